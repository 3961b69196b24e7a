/**
 * Work messages made outside the cloud, stamped as the cloud stamps them: a report of them would count nowhere else.
 */
import type { ServiceBusMessage } from "@azure/service-bus";
import type { Endpoints } from "@postern/local";
import {
  bodyHash,
  eventProperties,
  KeyId,
  provenProperties,
  WORK_MESSAGE_TYPE,
  type WorkMessage,
  workKeySecretName,
  workProof,
  type WorkSigner,
} from "@postern/contracts";
import { z } from "zod";

const Secret = z.object({ id: z.url(), value: z.string() });

/** The key that signs at a local platform, read from its vault with the administrator's token. */
export async function signerOf({
  keyVault,
  keyVaultToken,
}: Pick<Endpoints, "keyVault" | "keyVaultToken">): Promise<Omit<WorkSigner, "at">> {
  const response = await fetch(`${keyVault}/secrets/${workKeySecretName}?api-version=7.5`, {
    headers: { authorization: `Bearer ${keyVaultToken}` },
  });
  if (!response.ok) throw new Error(`the vault answers ${response.status} for the work key`);
  const { id, value } = Secret.parse(await response.json());
  return { key: KeyId.parse(id.split("/").at(-1)), secret: Buffer.from(value, "base64") };
}

export function stampedMessage(
  signer: Omit<WorkSigner, "at">,
  message: Omit<WorkMessage, "proof">,
  source: string,
): ServiceBusMessage {
  const at = new Date().toISOString();
  const stamp = { ...signer, at };
  const body = { ...message, proof: workProof(stamp, message) };
  const { messageId, lane, items } = message;
  return {
    messageId,
    sessionId: lane,
    contentType: "application/json",
    applicationProperties: {
      ...eventProperties({ id: messageId, source, type: WORK_MESSAGE_TYPE, time: at }),
      ...provenProperties(stamp, {
        ...message,
        type: WORK_MESSAGE_TYPE,
        count: items.length,
        bodyHash: bodyHash(JSON.stringify(body)),
      }),
    },
    body,
  };
}
