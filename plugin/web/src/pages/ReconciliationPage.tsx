import { useCallback, useMemo, useState } from "react";
import { useReconciliations } from "../api/reconciliation";
import { Blank } from "../components/Blank";
import { SelectField } from "../components/Fields";
import { Icon } from "../components/Icon";
import { Filters } from "../components/Filters";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { useShortcuts } from "../components/Shortcuts";
import { useListPlace } from "../components/useListPlace";
import { NARROW, useMedia } from "../components/useMedia";
import { t, word } from "../i18n";
import { nextOf } from "../reconciliation/choice";
import { Desk } from "../reconciliation/Desk";
import { LastDecision, type Decision } from "../reconciliation/LastDecision";
import { Queue } from "../reconciliation/Queue";
import { ModalityField } from "../study/ModalityField";
import { PerformedSteps } from "../study/PerformedSteps";

const DEFAULTS = { link: "", modality: "", study: "" };
const LINKS = ["unlinked", "ambiguous"] as const;

export function ReconciliationPage() {
  return (
    <NeedsPermission permission="reconcile" title={t("reconciliation.title")}>
      <Reconciliation />
    </NeedsPermission>
  );
}

/** At one side what waits; at the other the study somebody looks at, which stays when it leaves the list. */
function Reconciliation() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const list = useReconciliations({ linkStatus: LINKS.find((each) => each === filters.link) ?? "", modality: filters.modality, offset });
  const open = useCallback((study: string) => move({ filters: { study }, offset }), [move, offset]);
  const isNarrow = useMedia(NARROW);
  useShortcuts(useMemo(shortcuts, []));
  const [last, setLast] = useState<Decision | null>(null);
  const [afterDecision, setAfterDecision] = useState("");
  // What is being changed needs nobody.
  const waiting = list.data?.items.filter(({ job, study }) => job === null || study.study_instance_uid === filters.study) ?? [];
  const uids = waiting.map(({ study }) => study.study_instance_uid).filter((uid) => uid !== last?.uid || uid === filters.study);
  const next = nextOf(uids, filters.study);
  const decided = (decision: Decision) => {
    if (!next) return;
    setLast(decision);
    setAfterDecision(next);
    open(next);
  };
  const isOnePage = isNarrow && filters.study !== "";

  return (
    <Page title={t("reconciliation.title")} lead={t("reconciliation.lead")} isWide>
      {isOnePage ? (
        <p className="back">
          <button type="button" className="button button-small" onClick={() => open("")}>
            <Icon name="back" />
            {t("desk.back")}
          </button>
        </p>
      ) : (
        <Filters label={t("reconciliation.filters")}>
          <SelectField
            label={t("studies.link")}
            value={filters.link}
            options={[{ value: "", label: t("reconciliation.link.both") }, ...LINKS.map((value) => ({ value, label: word("study.link", value) }))]}
            onChange={(value) => move({ filters: { link: value } })}
          />
          <ModalityField value={filters.modality} onChange={(value) => move({ filters: { modality: value } })} />
        </Filters>
      )}
      <div className="reconciliation">
        {!isOnePage && <Queue list={list} chosen={filters.study} onOpen={open} offset={offset} onMove={(to) => move({ offset: to })} save={{ path: "reconciliation", query: { link_status: filters.link, modality: filters.modality } }} />}
        {(filters.study || !isNarrow) && (
          <div className="desk-side">
            {last && last.uid !== filters.study && <LastDecision key={last.jobId} decision={last} onShow={() => open(last.uid)} onClose={() => setLast(null)} />}
            {filters.study ? (
              <Desk key={filters.study} uid={filters.study} isUnasked={filters.study === afterDecision} onNext={next ? () => open(next) : null} onDecided={decided} />
            ) : (
              <section className="panel" aria-label={t("reconciliation.study")}>
                <Blank icon="link" title={t("reconciliation.choose.title")} text={t("reconciliation.choose.text")} />
              </section>
            )}
          </div>
        )}
      </div>
      {!isOnePage && <PerformedSteps of={{ waiting: "true" }} title={t("performed.waiting")} />}
    </Page>
  );
}

function shortcuts() {
  return [
    { keys: ["1", "–", "9"], does: t("desk.key.choose") },
    { keys: ["A"], does: t("desk.key.accept") },
    { keys: ["/"], does: t("desk.key.search") },
    { keys: ["P"], does: t("desk.key.create") },
    { keys: ["O"], does: t("desk.key.order") },
    { keys: ["N"], does: t("desk.key.next") },
    { keys: ["↓", "↑"], does: t("desk.key.walk") },
  ];
}
