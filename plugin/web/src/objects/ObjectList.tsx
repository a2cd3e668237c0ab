import { useObjects, type StudyObject } from "../api/objects";
import { Blank } from "../components/Blank";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { t } from "../i18n";
import { text } from "./dataset";
import { ObjectCard } from "./ObjectCard";

/** A study may hold hundreds of states of presentation: the page shows this many. */
const MOST = 50;

/** Everything of a study that is no image. */
export function ObjectList({ study, wanted = () => true }: { study: string; wanted?: (object: StudyObject) => boolean }) {
  const found = useObjects(study, true);
  if (found.error) return <ErrorState error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <ListSkeleton label={t("app.loading")} rows={3} />;
  const objects = found.data.objects.filter(wanted);
  if (objects.length === 0) return <Blank icon="images" title={t("objects.none.title")} text={t("objects.none.text")} />;
  return (
    <>
      {objects.slice(0, MOST).map((object) => (
        <ObjectCard key={text(object.attributes, "00080018")} study={study} object={object} />
      ))}
      {objects.length > MOST && <p className="muted">{t("objects.more", { count: objects.length - MOST })}</p>}
    </>
  );
}
