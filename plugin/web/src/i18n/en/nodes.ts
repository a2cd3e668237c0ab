export const nodes = {
  "system.nodes": "Servers",
  "system.nodes.lead": "The servers (nodes) that serve this archive together.",
  "system.node.this": "this page comes from it",
  "system.node.seen": "version {version}, last seen {at}",
  "system.node.ahead": "Its clock is {seconds} s ahead of the database's.",
  "system.node.behind": "Its clock is {seconds} s behind the database's.",
  "system.node.state.starting": "starting",
  "system.node.state.serving": "running",
  "system.node.state.draining": "being stopped",
  "system.node.state.ended": "stopped",
  "system.node.state.lost": "not seen any more",
} as const;
