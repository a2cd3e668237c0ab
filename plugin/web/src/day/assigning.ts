/** Who may do what with the examination of an order. Pure. */
import type { Order, Permission } from "../api/types";

type Told = Pick<Order, "status" | "assigned_to">;

const OPEN = ["scheduled", "arrived", "in_progress"];
const EXAMINES: readonly Permission[] = ["upload", "reconcile"];
const PLANS: readonly Permission[] = ["register", ...EXAMINES];

const any = (wanted: readonly Permission[], mine: readonly Permission[]) => wanted.some((each) => mine.includes(each));

/** Whether there is an examination left to do. */
export const isOpen = ({ status }: Pick<Told, "status">): boolean => OPEN.includes(status);

/** Whether one press makes it the caller's. */
export const mayTake = (order: Told, mine: readonly Permission[]): boolean => isOpen(order) && !order.assigned_to && any(EXAMINES, mine);

/** Whether the caller may give it to whomever. */
export const mayAssign = (order: Pick<Told, "status">, mine: readonly Permission[]): boolean => isOpen(order) && any(PLANS, mine);

export const mayPlan = (mine: readonly Permission[]): boolean => any(PLANS, mine);

export const isMine = (order: Told, me: string): boolean => order.assigned_to === me;
