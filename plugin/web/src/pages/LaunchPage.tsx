/** Where the EHR's addresses land: finds out which page is meant and goes there; the token is out of the address already. */
import { useContext, useEffect, useState } from "react";
import { Navigate } from "react-router-dom";
import { useApi } from "../api/context";
import { useAuthorities } from "../api/authorities";
import { useNumberedPatient } from "../api/patients";
import { useOrder } from "../api/queries";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { ErrorState } from "../components/ErrorState";
import { Page } from "../components/Page";
import { t } from "../i18n";
import { LaunchContext } from "../launch/context";
import type { Target } from "../launch/launched";
import { hasImages } from "../day/orderWords";

export function LaunchPage() {
  // Kept while somebody signs in first; a reload of this address has nothing left to go by.
  const launched = useContext(LaunchContext);
  const [target] = useState<Target>(launched ?? { kind: "start" });
  switch (target.kind) {
    case "order":
      return <Go to={`/orders/${encodeURIComponent(target.id)}`} />;
    case "upload":
      return <Go to={`/upload?order=${encodeURIComponent(target.order)}`} />;
    case "study":
      return <Go to={viewerOf(target.uid, target.compare)} />;
    case "patient":
      return target.issuer ? <PatientOf number={target.id} issuer={target.issuer} /> : <Go to={`/patients/${encodeURIComponent(target.id)}`} />;
    case "images":
      return <ImagesOf order={target.order} />;
    case "start":
      return <Navigate to="/" replace />;
    case "unknown":
      return (
        <Page title={t("launch.title")}>
          <Blank icon="question" title={t("launch.unknown.title")} text={t("launch.unknown.text")} />
        </Page>
      );
  }
}

/** Whose number it is matters only where several authorities give numbers. */
function PatientOf({ number, issuer }: { number: string; issuer: string }) {
  const { several, isKnown } = useAuthorities();
  const patient = useNumberedPatient(isKnown ? number : null, several ? issuer : "");
  if (patient.data) return <Go to={`/patients/${encodeURIComponent(patient.data.id)}`} />;
  return (
    <Page title={t("launch.title")}>
      {patient.error ? <ErrorState error={patient.error} onRetry={() => void patient.refetch()} /> : <p role="status">{t("app.loading")}</p>}
    </Page>
  );
}

/** The images, when there are any and they may be seen; the order that they will belong to otherwise. */
function ImagesOf({ order: wanted }: { order: string }) {
  const mayView = useMay("view");
  const order = useOrder(wanted);
  if (order.data) {
    const ready = mayView && hasImages(order.data);
    return <Go to={ready ? viewerOf(order.data.study_instance_uid, null) : `/orders/${encodeURIComponent(order.data.id)}`} />;
  }
  return (
    <Page title={t("launch.title")}>
      {order.error ? <ErrorState error={order.error} onRetry={() => void order.refetch()} /> : <p role="status">{t("app.loading")}</p>}
    </Page>
  );
}

/** There, and back to there while this tab is open. */
function Go({ to }: { to: string }) {
  const { session } = useApi();
  useEffect(() => session.see(to), [session, to]);
  return <Navigate to={to} replace />;
}

function viewerOf(uid: string, compare: string | null): string {
  return `/view/${encodeURIComponent(uid)}${compare ? `?compare=${encodeURIComponent(compare)}` : ""}`;
}
