/** The pages by address: each is a file of its own, so that a first visit loads the frame and one of them. */
import { lazy, useState, type ComponentType } from "react";
import { matchPath } from "react-router-dom";

type Load = () => Promise<ComponentType>;

const FILES: Readonly<Record<string, Load>> = {
  "/upload": async () => (await import("./pages/UploadPage")).UploadPage,
  "/orders": async () => (await import("./pages/OrdersPage")).OrdersPage,
  "/orders/:id": async () => (await import("./pages/OrderPage")).OrderPage,
  "/view/:uid": async () => (await import("./pages/ViewerPage")).ViewerPage,
  "/patients": async () => (await import("./pages/PatientsPage")).PatientsPage,
  "/patients/:id": async () => (await import("./pages/PatientPage")).PatientPage,
  "/launch": async () => (await import("./pages/LaunchPage")).LaunchPage,
  "/reading": async () => (await import("./pages/ReadingPage")).ReadingPage,
  "/report-templates": async () => (await import("./pages/TemplatesPage")).TemplatesPage,
  "/reports": async () => (await import("./pages/ReportsPage")).ReportsPage,
  "/reports/:id": async () => (await import("./pages/ReportPage")).ReportPage,
  "/dashboard": async () => (await import("./pages/DashboardPage")).DashboardPage,
  "/dashboard/examinations": async () => (await import("./pages/ExaminationsPage")).ExaminationsPage,
  "/dashboard/studies": async () => (await import("./pages/DosedPage")).DosedPage,
  "/studies": async () => (await import("./pages/StudiesPage")).StudiesPage,
  "/studies/:uid": async () => (await import("./pages/StudyPage")).StudyPage,
  "/studies/:uid/objects": async () => (await import("./pages/ObjectsPage")).ObjectsPage,
  "/reconciliation": async () => (await import("./pages/ReconciliationPage")).ReconciliationPage,
  "/quarantine": async () => (await import("./pages/QuarantinePage")).QuarantinePage,
  "/uploads": async () => (await import("./pages/UploadsPage")).UploadsPage,
  "/uploads/:id": async () => (await import("./pages/UploadLogPage")).UploadLogPage,
  "/deletions": async () => (await import("./pages/DeletionsPage")).DeletionsPage,
  "/deletions/retention": async () => (await import("./pages/RetentionPage")).RetentionPage,
  "/restricted": async () => (await import("./pages/RestrictedPage")).RestrictedPage,
  "/audit": async () => (await import("./pages/AuditPage")).AuditPage,
  "/viewer-links": async () => (await import("./pages/ViewerTokensPage")).ViewerTokensPage,
  "/shares": async () => (await import("./pages/SharesPage")).SharesPage,
  "/accounts": async () => (await import("./pages/AccountsPage")).AccountsPage,
  "/service-keys": async () => (await import("./pages/ServiceKeysPage")).ServiceKeysPage,
  "/interfaces": async () => (await import("./pages/InterfacesPage")).InterfacesPage,
  "/destinations": async () => (await import("./pages/DestinationsPage")).DestinationsPage,
  "/modalities": async () => (await import("./pages/ModalitiesPage")).ModalitiesPage,
  "/system": async () => (await import("./pages/SystemPage")).SystemPage,
  "/notices": async () => (await import("./pages/NoticesPage")).NoticesPage,
  "/password": async () => (await import("./pages/PasswordPage")).PasswordPage,
};
/** Where `/` and a sign-in lead most people. */
const FIRST = "/orders";

const FETCHED = new Map<string, ComponentType>();

export const PAGES = Object.entries(FILES).map(([path, load]) => ({ path, Page: pageOf(path, load) }));

/** The page itself when its file is here, else a placeholder first: React keeps that for 300 ms once it stands. */
function pageOf(path: string, load: Load): ComponentType {
  const Late = lazy(async () => ({ default: await load() }));
  return function Page() {
    const [Content] = useState(() => FETCHED.get(path) ?? Late);
    return <Content />;
  };
}

/** Fetch the page of this address while it is found out who wants to see it. */
export function fetchPage(address: string): void {
  fetchFile(Object.keys(FILES).find((path) => matchPath(path, address)) ?? FIRST);
}

/** Fetch all of them, so that none is waited for when it is opened. */
export function fetchPages(): void {
  Object.keys(FILES).forEach(fetchFile);
}

/** What cannot be fetched now is fetched when it is opened, and missed then. */
function fetchFile(path: string): void {
  FILES[path]!().then((page) => FETCHED.set(path, page), () => {});
}
