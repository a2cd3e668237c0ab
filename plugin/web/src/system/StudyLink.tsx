import { Link } from "react-router-dom";
import { useMay } from "../auth/permissions";

/** The way to a study that needs somebody, for those who may go there. */
export function StudyLink({ uid }: { uid: string }) {
  const mayRead = useMay("read");
  return (
    <span className="second">
      {mayRead ? (
        <Link className="uid" to={`/studies/${encodeURIComponent(uid)}`}>
          {uid}
        </Link>
      ) : (
        <span className="uid">{uid}</span>
      )}
    </span>
  );
}
