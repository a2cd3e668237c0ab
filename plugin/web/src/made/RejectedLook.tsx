/** Rejected images, to see whether they were rejected rightly. */
import { useState } from "react";
import { useRejectedPicture, type Rejection } from "../api/rejections";
import { Dialog } from "../components/Dialog";
import { useObjectUrl, useSeen } from "../components/Thumbnail";
import { t } from "../i18n";

const AT_ONCE = 12;

export function RejectedLook({ rejection, onClose }: { rejection: Rejection; onClose: () => void }) {
  const [shown, setShown] = useState(AT_ONCE);
  const kept = rejection.images.map(({ is_put_aside: isKept }, at) => (isKept ? at + 1 : 0)).filter(Boolean);
  return (
    <Dialog title={t("rejected.look.title")} wide onClose={onClose}>
      <p className="muted small">{t("rejected.look.lead")}</p>
      <ul className="rejected-look">
        {kept.slice(0, shown).map((number, at) => (
          <li key={number}>
            <Picture rejection={rejection.id} number={number} label={t("rejected.look.one", { at: at + 1, count: kept.length })} />
          </li>
        ))}
      </ul>
      <div className="actions actions-end">
        {shown < kept.length && (
          <button type="button" className="button" onClick={() => setShown(shown + AT_ONCE)}>
            {t("rejected.look.more")}
          </button>
        )}
        <button type="button" className="button" onClick={onClose}>
          {t("action.close")}
        </button>
      </div>
    </Dialog>
  );
}

/** Asked for when it comes into sight. */
function Picture({ rejection, number, label }: { rejection: string; number: number; label: string }) {
  const [place, isSeen] = useSeen<HTMLDivElement>();
  const picture = useRejectedPicture(rejection, number, isSeen);
  const address = useObjectUrl(picture.data);
  return (
    <div ref={place} className="look" aria-busy={picture.isFetching}>
      {picture.error ? <p className="look-none">{t("rejected.look.none")}</p> : address ? <img src={address} alt={label} /> : <p className="look-none">{t("app.loading")}</p>}
    </div>
  );
}
