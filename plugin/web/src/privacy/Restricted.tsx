/** In place of a page about a restricted patient: says so, and how it is opened in an emergency. */
import { useState } from "react";
import { useLocation } from "react-router-dom";
import { Blank } from "../components/Blank";
import { t } from "../i18n";
import { EmergencyDialog } from "./EmergencyDialog";
import { namedBy } from "./named";

export function Restricted() {
  const { pathname, search } = useLocation();
  const whom = namedBy(pathname, search);
  const [isOpen, setOpen] = useState(false);
  return (
    <div role="alert">
      <Blank icon="lock" title={t("privacy.restricted.title")} text={t("privacy.restricted.text")}>
        <button type="button" className="button button-danger" onClick={() => setOpen(true)}>
          {t("privacy.emergency.button")}
        </button>
      </Blank>
      {isOpen && <EmergencyDialog whom={whom} onClose={() => setOpen(false)} />}
    </div>
  );
}
