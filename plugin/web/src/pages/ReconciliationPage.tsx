import { useCallback } from "react";
import { useReconciliations } from "../api/reconciliation";
import { Blank } from "../components/Blank";
import { SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { useListPlace } from "../components/useListPlace";
import { t, word } from "../i18n";
import { nextOf } from "../reconciliation/choice";
import { Desk } from "../reconciliation/Desk";
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
  const uids = list.data?.items.map(({ study }) => study.study_instance_uid) ?? [];
  const next = nextOf(uids, filters.study);

  return (
    <Page title={t("reconciliation.title")} lead={t("reconciliation.lead")}>
      <Filters label={t("reconciliation.filters")}>
        <SelectField
          label={t("studies.link")}
          value={filters.link}
          options={[{ value: "", label: t("reconciliation.link.both") }, ...LINKS.map((value) => ({ value, label: word("study.link", value) }))]}
          onChange={(value) => move({ filters: { link: value } })}
        />
        <ModalityField value={filters.modality} onChange={(value) => move({ filters: { modality: value } })} />
      </Filters>
      <PerformedSteps of={{ waiting: "true" }} title={t("performed.waiting")} />
      <div className="reconciliation">
        <Queue list={list} chosen={filters.study} onOpen={open} offset={offset} onMove={(to) => move({ offset: to })} />
        {filters.study ? (
          <Desk key={filters.study} uid={filters.study} onNext={next ? () => open(next) : null} />
        ) : (
          <section className="panel" aria-label={t("reconciliation.study")}>
            <Blank icon="link" title={t("reconciliation.choose.title")} text={t("reconciliation.choose.text")} />
          </section>
        )}
      </div>
    </Page>
  );
}
