/** The side of WeChat that no mini-program sees: the sandbox's control endpoints. */

/** Call one; throws with the sandbox's own code and words. */
export async function control(name, body) {
  const answer = await fetch(`/control/${name}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }).catch(() => {
    throw new Error("network is not connected");
  });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(content.message ?? `status ${answer.status}`), { code: content.code });
  return content;
}
