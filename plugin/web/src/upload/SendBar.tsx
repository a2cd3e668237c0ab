/** At the foot of the review: what would be sent, what is still in its way, and the button. */
import { Icon } from "../components/Icon";
import { formatBytes, t } from "../i18n";
import { useUploadServices } from "./context";
import type { Desk, UploadDesk } from "./desk";
import { isAttached } from "./papers";
import type { Reviewed } from "./review";

export function SendBar({ desk, reviews }: { desk: Desk; reviews: ReadonlyMap<string, Reviewed> }) {
  const { desk: store, uploader } = useUploadServices();
  const { files, bytes, studies, papers } = planned(desk, store);
  const { asking, unconfirmed } = openQuestions(desk, store, reviews);
  const blocked = desk.reading ? t("send.reading") : asking ? t("where.asking") : unconfirmed > 0 ? t("send.unconfirmed", { count: unconfirmed }) : files + papers === 0 ? t("send.nothing") : null;
  const parts = [
    ...(files > 0 ? [t("send.ready", { files: t("send.files", { count: files }), studies: t("send.studies", { count: studies }), bytes: formatBytes(bytes) })] : []),
    ...(papers > 0 ? [t("send.papers", { count: papers })] : []),
  ];
  return (
    <section className="send-bar" aria-label={t("send.label")}>
      <p className="number" role="status">
        {blocked ?? parts.join(" · ")}
      </p>
      <div className="actions">
        <button type="button" className="button" onClick={() => store.clear()}>
          {t("send.clear")}
        </button>
        <button
          type="button"
          className="button button-primary"
          disabled={blocked !== null}
          onClick={() => {
            const { items, options } = store.packed();
            uploader.begin(items, options);
          }}
        >
          <Icon name="upload" />
          {t("send.action")}
        </button>
      </div>
    </section>
  );
}

function planned(desk: Desk, store: UploadDesk): { files: number; bytes: number; studies: number; papers: number } {
  const chosen = desk.patients.flatMap(({ studies }) => studies).filter(({ uid }) => store.choiceOf(uid).include);
  const damaged = desk.sendDamaged ? desk.damaged : [];
  return {
    files: chosen.reduce((sum, { fileIds }) => sum + fileIds.length, damaged.length),
    bytes: chosen.reduce((sum, study) => sum + study.bytes, damaged.reduce((sum, { size }) => sum + size, 0)),
    studies: chosen.length,
    papers: desk.papers.filter(isAttached).length,
  };
}

/** What keeps the studies that are to be sent from being sent. */
function openQuestions(desk: Desk, store: UploadDesk, reviews: ReadonlyMap<string, Reviewed>): { asking: boolean; unconfirmed: number } {
  const sent = desk.patients.flatMap(({ studies }) => studies).map(({ uid }) => ({ choice: store.choiceOf(uid), review: reviews.get(uid) }));
  const wished = sent.filter(({ choice }) => choice.include);
  return {
    asking: wished.some(({ review }) => review?.state === "asking"),
    unconfirmed: wished.filter(({ choice, review }) => review && review.question !== "" && review.question !== choice.confirmed).length,
  };
}
