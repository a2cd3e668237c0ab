/** The roles there are, in the order of a day's work. */
export const PEOPLES_ROLES = ["reception", "technician", "nurse", "doctor", "radiologist", "manager", "admin"] as const;
export const PROGRAMS_ROLES = ["service", "technician", "monitor"] as const;

export const BUILT_IN_ROLES: readonly string[] = [...PEOPLES_ROLES, ...PROGRAMS_ROLES];

export const SHORTEST_PASSWORD = 10;
