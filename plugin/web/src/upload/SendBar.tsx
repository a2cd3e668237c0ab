/** At the foot of the review: what would be sent, what is still in its way, and the button. */
import { Icon } from "../components/Icon";
import { formatBytes, t } from "../i18n";
import { useServices } from "../services";
import { changes, needsConfirmation } from "./choice";
import type { Desk, UploadDesk } from "./desk";

export function SendBar({ desk }: { desk: Desk }) {
  const { desk: store, uploader } = useServices();
  const { files, bytes, studies } = planned(desk, store);
  const unconfirmed = openQuestions(desk, store);
  const blocked = desk.reading ? t("send.reading") : unconfirmed > 0 ? t("send.unconfirmed", { count: unconfirmed }) : files === 0 ? t("send.nothing") : null;
  return (
    <section className="send-bar" aria-label={t("send.label")}>
      <p className="number" role="status">
        {blocked ?? t("send.ready", { files: t("send.files", { count: files }), studies: t("send.studies", { count: studies }), bytes: formatBytes(bytes) })}
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

function planned(desk: Desk, store: UploadDesk): { files: number; bytes: number; studies: number } {
  const chosen = desk.patients.flatMap(({ studies }) => studies).filter(({ uid }) => store.choiceOf(uid).include);
  const damaged = desk.sendDamaged ? desk.damaged : [];
  return {
    files: chosen.reduce((sum, { fileIds }) => sum + fileIds.length, damaged.length),
    bytes: chosen.reduce((sum, study) => sum + study.bytes, damaged.reduce((sum, { size }) => sum + size, 0)),
    studies: chosen.length,
  };
}

/** Studies whose files name somebody else than whom they would be sent for, not yet confirmed. */
function openQuestions(desk: Desk, store: UploadDesk): number {
  return desk.patients
    .flatMap(({ studies }) => studies)
    .filter(({ uid, header, mixed }) => {
      const choice = store.choiceOf(uid);
      if (!choice.include || choice.link.kind === "automatic") return false;
      const order = choice.link.kind === "order" ? choice.link.order : null;
      return needsConfirmation(choice, changes(header, choice.link.patient, order, choice.tags), mixed.length > 0);
    }).length;
}
