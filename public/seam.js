// The only script that sees Amplitude's SDK. It starts the SDK with the identity that the document carries, and gives
// the app `window.seam`: track, session, settle. Where tracking is off or the SDK is blocked, all three do nothing.
(() => {
  const boot = JSON.parse(document.getElementById("boot").textContent);
  const tick = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const off = { track: async () => {}, session: async () => {}, settle: async () => {} };
  window.seam = off;

  // The document says who is here. A page from the back/forward cache may say it of somebody who has left.
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  // How far this browser's clock is ahead, for the server: the SDK's cookie tells times by this clock. Measured at the
  // document's first byte, so that a slow network is not taken for a wrong clock.
  const [page] = performance.getEntriesByType("navigation");
  const ahead = Math.round(Date.now() - (performance.now() - page.responseStart) - boot.now);
  const secure = location.protocol === "https:";

  if (!boot.tracking) {
    forgetSdk();
    listen();
    return;
  }

  setCookie("seam_clock", ahead);

  // What this browser fires by our own count, which goes along with every request: where the SDK is blocked, it tells the
  // server what was lost. Feature events, and page views as the SDK has them: documents, new URLs, and the way back.
  let session = boot.session;
  const count = (events, pages) => {
    const here = `${boot.device}.${session}.`;
    const known = cookie("seam_fired");
    const [e, p] = known?.startsWith(here) ? known.slice(here.length).split(".").map(Number) : [0, 0];
    setCookie("seam_fired", `${here}${e + events}.${p + pages}`);
  };
  count(0, 1);
  const push = history.pushState;
  history.pushState = function (...args) {
    const from = location.href;
    push.apply(this, args);
    if (location.href !== from) count(0, 1);
  };
  addEventListener("popstate", () => count(0, 1));

  // Without cookies every document is a new device, and tabs that compare notes would reload each other for ever.
  if (document.cookie.includes("seam_clock=")) listen();

  // Calls made before the SDK has loaded wait in _q; its script runs them in order.
  const amplitude = (window.amplitude = { invoked: true, _q: [], _iq: {} });
  amplitude.setUserId = (...args) => void amplitude._q.push({ name: "setUserId", args });
  for (const name of ["add", "init"])
    amplitude[name] = (...args) => ({
      promise: new Promise((resolve) => amplitude._q.push({ name, args, resolve })),
    });

  // Left out, the user of the SDK's cookie would live on.
  if (!boot.user) amplitude.setUserId(undefined);

  // The option alone starts a second session when the first began long ago by this clock.
  if (Math.abs(Date.now() - boot.session) > 25 * 60_000)
    amplitude.add({
      name: "seamline-session",
      type: "before",
      setup: async (config) => {
        config.sessionId = boot.session;
        config.lastEventTime = Date.now();
      },
    });

  // From a minute on Amplitude corrects the clock itself; below, a server event could come before its own click. The
  // start of a session that the server began already has the server's time.
  const offBy = Math.abs(ahead) >= 1_000 ? ahead : 0;
  const correct = offBy !== 0 && Math.abs(ahead) <= 60_000;
  const begun = new Set([boot.session]);
  if (correct)
    amplitude.add({
      name: "seamline-clock",
      type: "enrichment",
      setup: async () => {},
      execute: async (event) =>
        event.event_type === "session_start" && begun.has(event.time) ? event : { ...event, time: event.time - ahead },
    });

  // What the SDK does not look at, where it says everything else about the browser.
  amplitude.add({
    name: "seamline-screen",
    type: "enrichment",
    setup: async () => {},
    execute: async (event) =>
      event.event_type === "[Amplitude] Page Viewed"
        ? { ...event, event_properties: { ...event.event_properties, screen: `${screen.width}x${screen.height}` } }
        : event,
  });

  const ready = amplitude.init(boot.key, {
    deviceId: boot.device,
    ...(boot.user && { userId: boot.user }),
    sessionId: boot.session,
    serverUrl: boot.endpoint,
    cookieOptions: { domain: "", secure },
    flushIntervalMillis: 200,
    remoteConfig: { fetchRemoteConfig: false },
    enableDiagnostics: false,
    autocapture: {
      pageViews: true,
      sessions: true,
      attribution: { excludeReferrers: boot.excludeReferrers },
      formInteractions: false,
      fileDownloads: false,
      pageUrlEnrichment: false,
      elementInteractions: false,
      frustrationInteractions: false,
      networkTracking: false,
      webVitals: false,
      performanceTracking: false,
    },
  }).promise;

  let live = false;
  let last = Promise.resolve();
  // Before `init` is done the SDK drops events; so they wait for it, for as long as the page lives.
  const send = (name, properties, options) =>
    (last = ready.then(() => window.amplitude.track(name, properties, options).promise));

  // Until it has arrived, each document tells it again, under the same insert ID.
  const confirm = async (name, properties, options) => {
    const { code } = await send(name, properties, options);
    if (code === 200) forgetConfirmed(options.insert_id);
  };

  ready.then(() => {
    live = true;
    // Confirmed by the server while nobody could hear it; time and session are the server's. By this clock, since whoever
    // corrects it corrects these too.
    for (const { name, properties, insertId, time, session } of boot.confirmed)
      confirm(name, properties, {
        insert_id: insertId,
        time: time + offBy,
        ...(session && { session_id: session }),
      });
  });

  window.seam = {
    track: (name, json, insertId) => {
      count(1, 0);
      const properties = JSON.parse(json);
      const sent = insertId ? confirm(name, properties, { insert_id: insertId }) : send(name, properties);
      return Promise.race([sent, tick(500)]);
    },
    // Alone, setSessionId would roll an old session at the next event.
    session: (id) => {
      session = id;
      return ready.then(() => {
        begun.add(id);
        if (id !== window.amplitude.getSessionId()) window.amplitude.setSessionId(id);
        window.amplitude.extendSession();
      });
    },
    settle: () => Promise.race([last, tick(500)]),
  };

  // Flush only: an event here would write the SDK's cookie again after a sign-out.
  addEventListener("pagehide", () => live && window.amplitude.flush());

  const script = document.createElement("script");
  script.src = boot.sdk;
  script.async = true;
  script.onerror = () => {
    amplitude._q.length = 0;
    window.seam = { ...off, track: async () => count(1, 0), session: async (id) => void (session = id) };
  };
  document.head.append(script);

  // Other tabs hear who is here; one that thinks otherwise loads anew. So sign-in and sign-out reach all of them.
  function listen() {
    const tabs = new BroadcastChannel("seam");
    const who = `${boot.device ?? ""} ${boot.user ?? ""}`;
    tabs.onmessage = (message) => message.data !== who && location.reload();
    tabs.postMessage(who);
  }

  // Takes an event out of the server's cookie of confirmed ones: JSON in base64url.
  function forgetConfirmed(insertId) {
    const value = cookie("seam_confirmed");
    if (!value) return;
    const events = JSON.parse(atob(value.replaceAll("-", "+").replaceAll("_", "/")));
    const left = btoa(JSON.stringify(events.filter((event) => event.insert_id !== insertId)));
    const text = left.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    setCookie("seam_confirmed", text, events.length > 1 ? "; max-age=86400" : "; max-age=0");
  }

  function cookie(name) {
    const start = `${name}=`;
    return document.cookie
      .split("; ")
      .find((text) => text.startsWith(start))
      ?.slice(start.length);
  }

  function setCookie(name, value, life = "") {
    document.cookie = `${name}=${value}; path=/; samesite=lax${life}${secure ? "; secure" : ""}`;
  }

  // Consent is denied: what an earlier visit left behind goes. The server expires the cookies.
  function forgetSdk() {
    for (const storage of [localStorage, sessionStorage])
      for (const key of Object.keys(storage)) if (key.startsWith("AMP_")) storage.removeItem(key);
  }
})();
