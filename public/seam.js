// The page's script. It starts Amplitude's SDK with the identity that the document carries, fires the events of the
// document's markup, and adds to forms, buttons and live parts what HTML lacks. Every link and form works without it.
//
// Islands (wasm) use `window.seam`: track, session, refresh.
(() => {
  const boot = JSON.parse(document.getElementById("boot").textContent);
  const files = document.currentScript.dataset;
  const root = document.documentElement;
  const secure = location.protocol === "https:";
  // As the server names our cookies: browsers accept the prefix from this host only.
  const prefix = secure ? "__Host-" : "";
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  // No pointer is pressed.
  let released = Promise.resolve();

  // The page is not shown yet. Once it is, it is loaded as a page that a user opened.
  if (document.prerendering) {
    document.addEventListener("prerenderingchange", () => location.reload());
    return;
  }
  // The document says who is here. A page from the back/forward cache may say it of a user who has left.
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  root.dataset.script = "";
  const tracker = boot.tracking ? startTracking() : noTracker();
  window.seam = { track: tracker.track, session: tracker.session, refresh };
  if (!boot.tracking) forgetSdk();
  // Without cookies every document is a new device, and tabs would reload each other for ever.
  if (!boot.tracking || cookie("seam_clock") !== undefined) followOtherTabs();
  trackMarkup();
  followPointer();
  improveForms();
  improveButtons();
  loadDetails();
  showLocalTimes(document);
  takeLocalTimes();
  announceToast();
  startIslands();

  // ---- Tracking --------------------------------------------------------------------------------------------------------

  function noTracker() {
    return { track: async () => {}, session: async () => {}, settle: async () => {} };
  }

  function startTracking() {
    // How far this browser's clock is ahead, for the server: the SDK's cookie has times of this clock. Measured at the
    // document's first byte, so that a slow network is not taken for a wrong clock.
    const [page] = performance.getEntriesByType("navigation");
    const ahead = Math.round(Date.now() - (performance.now() - page.responseStart) - boot.now);
    setCookie("seam_clock", ahead);

    // What this browser fires, by our own count: it goes along with every request, so where the SDK is blocked the server
    // knows what was lost.
    let session = boot.session;
    const count = (events, pages) => {
      const here = `${boot.device}.${session}.`;
      const known = cookie("seam_fired");
      const [e, p] = known?.startsWith(here) ? known.slice(here.length).split(".").map(Number) : [0, 0];
      setCookie("seam_fired", `${here}${e + events}.${p + pages}`);
    };
    // What the server has confirmed may be fired by several documents until it arrives, and is counted once.
    const countConfirmed = () => {
      const fresh = confirmedEvents().filter((event) => !event.counted);
      for (const event of fresh) keepConfirmed({ ...event, counted: true });
      if (fresh.length > 0) count(fresh.filter((event) => event.session === session).length, 0);
    };
    count(0, 1);
    if (boot.confirmed.length > 0) countConfirmed();

    // Calls made before the SDK has loaded wait in _q; its script runs them in order.
    const amplitude = (window.amplitude = { invoked: true, _q: [], _iq: {} });
    amplitude.setUserId = (...args) => void amplitude._q.push({ name: "setUserId", args });
    for (const name of ["add", "init"])
      amplitude[name] = (...args) => ({
        promise: new Promise((resolve) => amplitude._q.push({ name, args, resolve })),
      });

    // Left out, the user of the SDK's cookie would stay.
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

    // From a minute on Amplitude corrects the clock; below, a server event could come before its own click. The start of a
    // session that the server began already has the server's time.
    const offBy = Math.abs(ahead) >= 1_000 ? ahead : 0;
    const begun = new Set([boot.session]);
    const enrich = (name, execute) =>
      amplitude.add({ name: `seamline-${name}`, type: "enrichment", setup: async () => {}, execute });
    if (offBy !== 0 && Math.abs(ahead) <= 60_000)
      enrich("clock", async (event) =>
        event.event_type === "session_start" && begun.has(event.time) ? event : { ...event, time: event.time - ahead },
      );
    // The SDK reports everything else about the browser.
    enrich("screen", async (event) =>
      event.event_type === "[Amplitude] Page Viewed"
        ? { ...event, event_properties: { ...event.event_properties, screen: `${screen.width}x${screen.height}` } }
        : event,
    );

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
    // Before `init` is done the SDK drops events; so they wait for it, until the page is left.
    const send = (name, properties, options) =>
      (last = ready.then(() => window.amplitude.track(name, properties, options).promise));

    // Until it has arrived, each document fires it again, under the same insert ID.
    const confirm = async (name, properties, options) => {
      const { code } = await send(name, properties, options);
      if (code === 200) forgetConfirmed(options.insert_id);
    };

    ready.then(() => {
      live = true;
      // Confirmed by the server in answer to a post; time and session are the server's. By this clock, since what corrects
      // the clock corrects these too.
      for (const { name, properties, insertId, time, session } of boot.confirmed)
        confirm(name, properties, {
          insert_id: insertId,
          time: time + offBy,
          ...(session && { session_id: session }),
        });
    });

    // Flush only: an event here would write the SDK's cookie again after a sign-out.
    addEventListener("pagehide", () => live && window.amplitude.flush());

    const working = {
      track: (name, json, insertId) => {
        if (insertId) countConfirmed();
        else count(1, 0);
        const properties = JSON.parse(json);
        const sent = insertId ? confirm(name, properties, { insert_id: insertId }) : send(name, properties);
        return Promise.race([sent.catch(() => {}), wait(500)]);
      },
      // Alone, setSessionId would end an old session at the next event.
      session: (id) => {
        session = id;
        return ready.then(() => {
          begun.add(id);
          if (id !== window.amplitude.getSessionId()) window.amplitude.setSessionId(id);
          window.amplitude.extendSession();
        });
      },
      // Resolves when what was tracked has left, or after half a second.
      settle: () => Promise.race([last.catch(() => {}), wait(500)]),
    };
    const blocked = {
      ...noTracker(),
      track: async (_name, _json, insertId) => (insertId ? countConfirmed() : count(1, 0)),
      session: async (id) => void (session = id),
    };

    let current = working;
    const script = document.createElement("script");
    script.src = boot.sdk;
    script.async = true;
    script.onerror = () => {
      amplitude._q.length = 0;
      current = blocked;
    };
    document.head.append(script);
    return {
      track: (...args) => current.track(...args),
      session: (id) => current.session(id),
      settle: () => current.settle(),
    };
  }

  // The server's cookies of confirmed events, one for each event: JSON in base64url. A value that cannot be read is no event.
  function confirmedEvents() {
    const texts = document.cookie.split("; ").filter((text) => text.startsWith(`${prefix}seam_confirmed.`));
    return texts.flatMap((text) => {
      try {
        const value = text.slice(text.indexOf("=") + 1);
        return [JSON.parse(atob(value.replaceAll("-", "+").replaceAll("_", "/")))];
      } catch {
        return [];
      }
    });
  }

  function keepConfirmed(event) {
    const text = btoa(JSON.stringify(event)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    setCookie(confirmedName(event.insert_id), text, "; max-age=86400");
  }

  function forgetConfirmed(insertId) {
    setCookie(confirmedName(insertId), "", "; max-age=0");
  }

  function confirmedName(insertId) {
    return `seam_confirmed.${insertId.replaceAll(":", ".")}`;
  }

  // Consent is denied: what an earlier visit left in storage is removed. The server expires the cookies.
  function forgetSdk() {
    for (const name of ["localStorage", "sessionStorage"])
      try {
        const storage = window[name];
        for (const key of Object.keys(storage)) if (key.startsWith("AMP_")) storage.removeItem(key);
      } catch {
        // The browser blocks storage, so nothing was left there.
      }
  }

  // ---- Events of the markup: `data-track`, written by app/src/tracking/attribute.rs ------------------------------------

  function trackMarkup() {
    for (const element of document.querySelectorAll("[data-track]")) fire(element, "shown");
    addEventListener("click", (event) => fireFrom(event.target, "click"));
    addEventListener("change", (event) => fireFrom(event.target, "change"));
    // A toggle does not bubble.
    addEventListener("toggle", (event) => event.target.open && fire(event.target, "toggle"), true);
  }

  function fireFrom(target, on) {
    for (let at = target.closest?.("[data-track]"); at; at = at.parentElement?.closest("[data-track]")) fire(at, on);
  }

  // Fires the element's event, if it is to be fired on this. Values of form controls are read now.
  function fire(element, on) {
    const event = element.dataset.track && JSON.parse(element.dataset.track);
    if (event?.on !== on) return false;
    if (on === "toggle") delete element.dataset.track;
    const values = new FormData(element.closest("form") ?? undefined);
    for (const field of event.fields ?? []) if (values.has(field)) event.properties[field] = values.get(field);
    tracker.track(event.name, JSON.stringify(event.properties), event.insertId);
    return true;
  }

  // ---- Forms -----------------------------------------------------------------------------------------------------------

  function improveForms() {
    addEventListener("submit", async (event) => {
      const form = event.target;
      if (event.defaultPrevented || form.method !== "post") return;
      if (form.dataset.pending !== undefined) return event.preventDefault();
      form.dataset.pending = "";
      const button = event.submitter ?? form.querySelector("[type=submit]");
      button?.setAttribute("aria-disabled", "true");
      if (button?.dataset.pending) button.textContent = button.dataset.pending;
      // A form that leads to another site waits until its event has left: what is still here would wait for the next visit.
      if (fire(form, "submit")) {
        event.preventDefault();
        await tracker.settle();
        HTMLFormElement.prototype.submit.call(form);
      }
    });
  }

  // ---- Times: the document has them in UTC, and the user sees and enters local time ----------------------------------------

  // Only the text node changes: an island keeps it.
  function showLocalTimes(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const text = [...time.childNodes].find((node) => node.nodeType === Node.TEXT_NODE);
      const at = new Date(time.dateTime);
      if (!text || isNaN(at)) continue;
      const month = time.dataset.local === "day" ? "long" : "2-digit";
      const part = timeParts(at, month);
      text.data =
        month === "long"
          ? `${part.day.replace(/^0/, "")} ${part.month} ${part.year} (${part.timeZoneName})`
          : `${part.year}-${part.month}-${part.day}, ${part.hour}:${part.minute} ${part.timeZoneName}`;
    }
  }

  function timeParts(at, month) {
    const format = new Intl.DateTimeFormat("en", {
      year: "numeric",
      month,
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      timeZoneName: "short",
    });
    return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  }

  // The form is sent with the instant in UTC, by the offset that the time zone has at that time.
  function takeLocalTimes() {
    const utc = (text) => new Date(text).toISOString().slice(0, 16);
    for (const input of document.querySelectorAll("input[type=datetime-local]")) {
      const sent = new Date(`${input.defaultValue}Z`);
      if (!isNaN(sent)) {
        const offset = sent.getTimezoneOffset() * 60_000;
        input.defaultValue = new Date(sent - offset).toISOString().slice(0, 16);
      }
      const zone = input.labels[0]?.querySelector("[data-zone]");
      if (zone) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
      input.form.addEventListener("formdata", ({ formData }) => {
        const { value, validity } = input;
        // Half of a date is not an empty field.
        formData.set(input.name, value ? utc(value) : validity.badInput ? "incomplete" : "");
      });
    }
  }

  // ---- Buttons: dismiss, copy, share -----------------------------------------------------------------------------------

  function improveButtons() {
    for (const button of document.querySelectorAll("[data-share]")) button.hidden = !navigator.share;
    addEventListener("click", async (event) => {
      const button = event.target.closest?.("[data-dismiss], [data-copy], [data-share]");
      if (!button) return;
      const { dismiss, copy, share, title, said } = button.dataset;
      const say = (text) => {
        const place = document.getElementById(said) ?? button;
        place.textContent = text;
      };
      if (dismiss) return button.closest(dismiss).remove();
      try {
        if (copy !== undefined) {
          await navigator.clipboard.writeText(copy.startsWith("/") ? location.origin + copy : copy);
          say("Copied");
          fire(button, "copied");
        } else {
          await navigator.share({ title, url: share });
          say("Shared");
          fire(button, "shared");
        }
      } catch {
        // The share sheet was closed again, or the browser does not allow it.
        if (copy !== undefined) say("Your browser does not allow copying. Please select the text and copy it.");
      }
    });
  }

  // A message that is there from the start is not announced; one that comes into the page is.
  function announceToast() {
    const toast = document.querySelector(".toast");
    // It may have been dismissed by then.
    if (toast) setTimeout(() => toast.parentElement?.replaceChildren(toast), 100);
  }

  // ---- Parts of documents ----------------------------------------------------------------------------------------------

  // The document at a URL of this site, as a background request: it is no activity of the user. `undefined`: it failed.
  async function fetchDocument(href) {
    const url = new URL(href, location.href);
    url.searchParams.set("refresh", "");
    url.hash = "";
    try {
      const answer = await fetch(url, { headers: { accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname !== url.pathname) return location.reload();
      if (!answer.ok) return undefined;
      const fetched = new DOMParser().parseFromString(await answer.text(), "text/html");
      showLocalTimes(fetched);
      return fetched;
    } catch {
      return undefined;
    }
  }

  // Fetches this document again, with the cards that are loaded here, and puts its parts in place of those here. Without an
  // argument: all parts that are marked `data-live`. A `<details>` with an ID stays as open as it is, and the focus stays where it
  // is.
  async function refresh(parts = document.querySelectorAll("[data-live]")) {
    if (parts.length === 0) return;
    const cards = [...document.querySelectorAll("details[data-card=loaded]")];
    const url = new URL(location.href);
    if (cards.length > 0) url.searchParams.set("open", cards.map(({ id }) => id).join(","));
    const fresh = await fetchDocument(url);
    if (!fresh) return;
    // A button that is replaced between press and release gets no click.
    await released;
    for (const part of parts) {
      const next = fresh.getElementById(part.id);
      if (next) replacePart(part, next);
    }
  }

  function replacePart(part, next) {
    const focused = part.contains(document.activeElement) && selectorOf(document.activeElement);
    for (const details of part.querySelectorAll("details[id]")) {
      const other = next.querySelector(`#${CSS.escape(details.id)}`);
      // What was loaded into an event is in no fetched document; a card may have been opened after this one was requested.
      const early = details.dataset.card === "loaded" && other?.dataset.card !== "loaded";
      if (details.dataset.loaded !== undefined || early) other?.replaceWith(details);
      else other?.toggleAttribute("open", details.open);
    }
    if (part.isEqualNode(next)) return;
    for (const { name } of [...part.attributes]) if (!next.hasAttribute(name)) part.removeAttribute(name);
    for (const { name, value } of next.attributes) part.setAttribute(name, value);
    part.replaceChildren(...next.childNodes);
    if (focused) document.querySelector(focused)?.focus();
  }

  // The line of a `<details>` is found by the ID of the `<details>`.
  function selectorOf({ id, localName, parentElement }) {
    if (id) return `#${CSS.escape(id)}`;
    return localName === "summary" && parentElement.id && `#${CSS.escape(parentElement.id)} > summary`;
  }

  function followPointer() {
    const press = () => {
      released = new Promise((resolve) => {
        // The click comes directly after the release.
        const release = () => setTimeout(resolve);
        for (const name of ["pointerup", "pointercancel"]) addEventListener(name, release, { capture: true, once: true });
      });
    };
    addEventListener("pointerdown", press, true);
  }

  // `<details>` with a link `data-load="selector"`: the first time it is opened, the children of what the selector finds in
  // the linked document take the link's place; without a selector, the children of `.details` in the `<details>` with the same
  // ID. The part with a card is read again as a whole, with its content.
  function loadDetails() {
    const load = async (details) => {
      if (details.open && details.dataset.card === "") {
        details.dataset.card = "loaded";
        return refresh([details.closest("[data-live]")]);
      }
      const link = details.open && details.querySelector("a[data-load]");
      if (!link || link.closest("details") !== details) return;
      const selector = link.dataset.load || `#${CSS.escape(details.id)} .details`;
      delete link.dataset.load;
      const part = (await fetchDocument(link.href))?.querySelector(selector);
      if (!part) return;
      details.dataset.loaded = "";
      link.closest(".details").replaceWith(...part.childNodes);
    };
    addEventListener("toggle", (event) => load(event.target), true);
    for (const details of document.querySelectorAll("details[open]")) load(details);
  }

  // ---- Islands ---------------------------------------------------------------------------------------------------------

  // Loads the wasm where the document has islands, when the browser is idle after the load, and starts each. One that fails
  // leaves its HTML as it is.
  async function startIslands() {
    if (!document.querySelector("leptos-island")) return;
    const loaded = () =>
      new Promise((done) => (document.readyState === "complete" ? done() : addEventListener("load", done)));
    const idle = () => new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done));
    try {
      await loaded();
      await idle();
      const wasm = await import(files.islands);
      await wasm.default({ module_or_path: files.wasm });
      wasm.hydrate();
      startIsland(document.body, wasm, []);
      root.dataset.islands = "started";
    } catch (error) {
      root.dataset.islands = "failed";
      console.warn("Live updates are off:", error);
      pollWhileWaiting();
    }
  }

  // For a page that waits for a webhook, where no island follows the feed. Loading the document again instead would be a page
  // view, and so activity of the user.
  async function pollWhileWaiting() {
    while (document.querySelector("[data-refresh]")) {
      await wait(2_000);
      if (document.visibilityState === "visible") await refresh();
    }
  }

  // In the order of the document. An island inside of another one's children runs in that one's context, which Leptos leaves
  // at the `leptos-children` element.
  function startIsland(element, wasm, contexts) {
    let inner = contexts;
    if (element.localName === "leptos-island") {
      try {
        contexts.at(-1)?.();
        wasm[element.dataset.component]?.(element);
      } catch (error) {
        console.warn("An island did not start:", error);
      }
    } else if (element.localName === "leptos-children") inner = [...contexts, element.$$on_hydrate];
    for (const child of [...element.children]) startIsland(child, wasm, inner);
  }

  // ---- Other tabs ------------------------------------------------------------------------------------------------------

  // Each tab reports its user to the others. A tab that shows another user loads again, unless something is typed into it.
  function followOtherTabs() {
    let tabs;
    try {
      tabs = new BroadcastChannel("seam");
    } catch {
      // The browser blocks storage, and channels with it.
      return;
    }
    const who = `${boot.device ?? ""} ${boot.user ?? ""}`;
    tabs.onmessage = ({ data }) => {
      if (data === who) return;
      if (!hasInput()) return location.reload();
      const [, user] = data.split(" ");
      const text = user ? "You signed in in another tab." : "You signed out in another tab.";
      showNotice(`${text} What you typed here is kept.`);
    };
    tabs.postMessage(who);
  }

  function hasInput() {
    return [...document.querySelectorAll("form[method=post] :is(input:not([type=hidden]), textarea, select)")].some(
      ({ type, checked, defaultChecked, value, defaultValue = value }) =>
        type === "radio" || type === "checkbox" ? checked !== defaultChecked : value !== defaultValue,
    );
  }

  function showNotice(text) {
    const notice = document.createElement("div");
    notice.className = "banner other-tab";
    notice.setAttribute("role", "alert");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Load this page again";
    notice.append(text, " ", link, ".");
    document.querySelector(".other-tab")?.remove();
    document.getElementById("main")?.prepend(notice);
  }

  // ---- Cookies ---------------------------------------------------------------------------------------------------------

  function cookie(name) {
    const start = `${prefix}${name}=`;
    return document.cookie
      .split("; ")
      .find((text) => text.startsWith(start))
      ?.slice(start.length);
  }

  function setCookie(name, value, life = "") {
    document.cookie = `${prefix}${name}=${value}; path=/; samesite=lax${life}${secure ? "; secure" : ""}`;
  }
})();
