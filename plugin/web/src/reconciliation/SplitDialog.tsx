import { useState } from "react";
import { useCompareSplit, useSplit, type SplitWish } from "../api/splits";
import { t } from "../i18n";
import { BesideDialog } from "./BesideDialog";
import type { Choice } from "./choice";

interface Props {
  uid: string;
  choice: Choice;
  picked: Pick<SplitWish, "series" | "instances">;
  onClose: () => void;
  onStarted: (jobId: string) => void;
}

/** The picked images beside whom they would be given to, and what will happen. */
export function SplitDialog({ uid, choice: { verdict, whom, accession }, picked, onClose, onStarted }: Props) {
  const [wish] = useState<SplitWish>(() => ({ ...picked, ...ownerOf(verdict) }));
  const view = useCompareSplit(uid, wish);
  const split = useSplit(uid);
  const told = view.data;
  return (
    <BesideDialog
      title={t("split.confirm")}
      action={t("split.action")}
      compared={{ data: told?.candidate, error: view.error }}
      whom={whom}
      accession={accession}
      busy={split.isPending}
      error={split.error}
      onClose={onClose}
      onConfirm={(reason) =>
        split.mutate(
          { ...wish, reason, expected: told?.version ?? "" },
          {
            onSuccess: (job) => {
              onStarted(job.id);
              onClose();
            },
          },
        )
      }
    >
      {told && (
        <ul className="split-told">
          <li>{t("split.told.images", { count: told.number_of_instances, rest: told.remaining_instances })}</li>
          <li>{t("split.told.uids")}</li>
          {told.number_of_reports > 0 && <li>{t("split.told.reports", { count: told.number_of_reports })}</li>}
          <li>{t("split.told.again")}</li>
          <li>{t("split.told.undo")}</li>
        </ul>
      )}
    </BesideDialog>
  );
}

function ownerOf(verdict: Choice["verdict"]): Pick<SplitWish, "order_id" | "patient_id"> {
  if (verdict.kind === "unlink") return {};
  const { patient_id } = verdict;
  const order_id = verdict.kind === "link" ? verdict.order_id : undefined;
  return { ...(patient_id && { patient_id }), ...(order_id && { order_id }) };
}
