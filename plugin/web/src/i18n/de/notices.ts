import type { notices as english } from "../en/notices";
import type { Translation } from "../translation";

export const notices: Translation<typeof english> = {
  "nav.notices": "Mitteilungen",
  "nav.count.notices": { one: "{count} neue Mitteilung", other: "{count} neue Mitteilungen" },
  "notices.title": "Mitteilungen",
  "notices.lead": "Was andere getan haben und Sie betrifft, aus den letzten 30 Tagen.",
  "notices.none": "Keine Mitteilungen",
  "notices.none.text": "Wenn Ihnen jemand eine Untersuchung gibt, über Ihren Antrag entscheidet oder Ihren Befund ändert, steht es hier.",
  "notices.new": "Neu",
  "notices.deletion": "Jetzt: {status}.",
  "notices.to.deletions": "Löschungen öffnen",
  "notices.kind.order_assigned": "{who} hat Ihnen diese Untersuchung gegeben.",
  "notices.kind.order_taken": "{who} hat diese Untersuchung von Ihnen übernommen.",
  "notices.kind.deletion_decided": "{who} hat über die Löschung entschieden, die Sie beantragt haben.",
  "notices.kind.report_taken": "{who} hat den Befund übernommen, an dem Sie geschrieben haben.",
  "notices.kind.report_cosigned": "{who} hat Ihren Befund gegengezeichnet.",
  "notices.kind.report_doubted": "Die Bilder eines Befundes, den Sie unterschrieben haben, wurden verschoben oder getrennt. Er wird nicht zugestellt, bis jemand entscheidet.",
  "notices.kind.report_withdrawn": "{who} hat einen Befund zurückgezogen, den Sie unterschrieben haben.",
  "notices.kind.critical_result": "Ein kritischer Befund zu Ihrem Auftrag, berichtet von {who}. Lesen Sie ihn jetzt.",
};
