import type { nodes as english } from "../en/nodes";
import type { Translation } from "../translation";

export const nodes: Translation<typeof english> = {
  "system.nodes": "Server",
  "system.nodes.lead": "Die Server (Knoten), die dieses Archiv gemeinsam bedienen.",
  "system.node.this": "von ihm kommt diese Seite",
  "system.node.seen": "Version {version}, zuletzt gesehen {at}",
  "system.node.ahead": "Seine Uhr geht gegenüber der Datenbank {seconds} s vor.",
  "system.node.behind": "Seine Uhr geht gegenüber der Datenbank {seconds} s nach.",
  "system.node.other_secret": "Er hat ein anderes Geheimnis als der Server, der am längsten läuft.",
  "system.node.other_folder": "Er hat nicht denselben Bilderordner wie der Server, der am längsten läuft.",
  "system.node.state.starting": "startet",
  "system.node.state.serving": "läuft",
  "system.node.state.draining": "wird angehalten",
  "system.node.state.ended": "angehalten",
  "system.node.state.lost": "nicht mehr gesehen",
};
