import type { GroupName } from "@postern/contracts";

export interface KnownAgents {
  /**
   * Whether an agent of that name has registered for the group. As of at most a minute ago. @throws ServiceUnavailable
   */
  isKnown(group: GroupName, agent: string): Promise<boolean>;
}
