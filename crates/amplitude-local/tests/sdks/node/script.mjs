// Sends events with Amplitude's Node SDK to the server in the first argument.
// Prints the result of each call as JSON.
import { Identify, Revenue, createInstance } from "@amplitude/analytics-node";

const [url, apiKey] = process.argv.slice(2);
const user = { user_id: "node-user", device_id: "node-device" };

async function run(name, options, calls) {
  const client = createInstance();
  await client.init(apiKey, { flushIntervalMillis: 50, ...options }).promise;
  const results = await Promise.all(calls(client).map((call) => call.promise));
  return results.map(({ code, event }) => ({ client: name, code, event_type: event.event_type, insert_id: event.insert_id }));
}

const httpV2 = await run("HTTP V2", { serverUrl: `${url}/2/httpapi` }, (client) => [
  client.track("Node event", { amount: 3, tags: ["a", "b"] }, { ...user, session_id: 1700000000000 }),
  client.identify(new Identify().set("plan", "pro").setOnce("since", "2023").add("logins", 2), user),
  client.revenue(new Revenue().setProductId("pro").setPrice(12).setQuantity(2), user),
  client.groupIdentify("team", "one", new Identify().set("seats", 3), user),
  client.track("Short ID", {}, { user_id: "abc" }),
]);
const batch = await run("Batch", { serverUrl: `${url}/batch`, useBatch: true }, (client) => [
  client.track("Node batch event", {}, { user_id: "node-user" }),
]);
console.log(JSON.stringify([...httpV2, ...batch]));
