import { Navigate } from "react-router-dom";
import { useCurrentUser } from "../auth/permissions";
import { useVisit } from "../auth/visit";
import { NoPermission } from "../components/NoPermission";
import { placesFor } from "../shell/places";

/** The first page of a day: the orders, or the first place this person may go to. */
export function StartPage() {
  const { permissions } = useCurrentUser();
  const visit = useVisit();
  if (visit) return <Navigate to={visit} replace />;
  if (permissions.includes("read")) return <Navigate to="/orders" replace />;
  const first = placesFor(permissions)[0]?.places[0];
  return first ? <Navigate to={first.to} replace /> : <NoPermission permission="read" />;
}
