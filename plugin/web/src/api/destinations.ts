/** Destinations: who is told what happens here, how each fares, and what became of each delivery. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import { ApiError } from "./errors";
import { useChange, useListOf, useLoadAgain } from "./lists";
import { asPage, PAGE_SIZE } from "./queries";
import type * as schema from "./schema";

export type Destination = schema.DestinationAnswer;
export type DestinationBody = schema.DestinationBody;
export type Made = schema.DestinationMade;
export type Queue = schema.DestinationQueue;
export type Delivery = schema.DeliverySummary;
export type WholeDelivery = schema.DeliveryAnswer;
export type EventType = DestinationBody["events"][number];

const LIST = "destinations";
const LOOK_AGAIN = 5000;
const addressOf = (name: string) => `${LIST}/${encodeURIComponent(name)}`;

export const useDestinations = (offset: number) => useListOf<Destination>(LIST, offset);
export const useLoadDestinations = () => useLoadAgain(LIST);

/** How each fares; asked again every few seconds while the page is open. */
export function useQueues() {
  const { ask } = useApi();
  return useQuery({
    queryKey: [LIST, "queues"],
    queryFn: ({ signal }) => ask<schema.DestinationQueueList>("delivery-queues", { signal }),
    refetchInterval: LOOK_AGAIN,
  });
}

export function useDeliveries(name: string, state: string, offset: number) {
  const { ask } = useApi();
  return useQuery({
    queryKey: [LIST, "deliveries", name, { state, offset }],
    queryFn: async ({ signal }) => asPage<Delivery>(await ask(`${addressOf(name)}/deliveries`, { query: { state, limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useDelivery(id: number) {
  const { ask } = useApi();
  return useQuery({ queryKey: [LIST, "delivery", id], queryFn: ({ signal }) => ask<WholeDelivery>(`deliveries/${id}`, { signal }) });
}

/** Throws ApiError `already_exists` when there is one with that name. */
export const useRegisterDestination = () =>
  useChange(LIST, (ask, { name, body }: { name: string; body: DestinationBody }) =>
    ask<Made>(addressOf(name), { method: "PUT", body, headers: { "If-None-Match": "*" } }),
  );

/** Throws ApiError `version_changed` when somebody else has changed since what was `seen`. */
export const useChangeDestination = () =>
  useChange(LIST, async (ask, { seen, body }: { seen: Destination; body: DestinationBody }) => {
    let tag = "";
    const now = await ask<Destination>(addressOf(seen.name), { onTag: (its) => (tag = its) });
    if (now.updated_at !== seen.updated_at) throw new ApiError(412, "version_changed");
    return ask<Made>(addressOf(seen.name), { method: "PUT", body, headers: { "If-Match": tag } });
  });

export const useRemoveDestination = () => useChange(LIST, (ask, name: string) => ask<void>(addressOf(name), { method: "DELETE" }));
export const useStartDestination = () => useChange(LIST, (ask, name: string) => ask<Destination>(`${addressOf(name)}/start`, { method: "POST" }));
export const useRenewSecret = () => useChange(LIST, (ask, name: string) => ask<schema.SecretAnswer>(`${addressOf(name)}/secret`, { method: "POST" }));

/** Sends again what was refused since then. */
export const useResendSince = () =>
  useChange(LIST, (ask, { name, since }: { name: string; since: string }) =>
    ask<schema.ResentAnswer>(`${addressOf(name)}/resend`, { method: "POST", body: { since } }),
  );

export const useResend = () => useChange(LIST, (ask, id: number) => ask<WholeDelivery>(`deliveries/${id}/resend`, { method: "POST" }));

export const useDrop = () =>
  useChange(LIST, (ask, { id, reason }: { id: number; reason: string }) => ask<WholeDelivery>(`deliveries/${id}/drop`, { method: "POST", body: { reason } }));
