// Passkeys: made in the settings, used at the door. Pages work without this file; what needs it stays hidden.
class Refused extends Error {}

let fieldOffer;
let offered;
const able = canHavePasskeys();
for (const part of document.querySelectorAll("[data-passkey-only]")) {
  if (able) part.hidden = false;
  else part.remove(); // its room is kept for it only until here
}
for (const part of document.querySelectorAll("[data-passkey-never]")) part.hidden = able;

const adding = document.querySelector('form[data-passkey="add"]');
if (adding && able) onSubmit(adding, add);
const entering = document.querySelector('form[data-passkey="sign-in"]');
if (entering && able) {
  onSubmit(entering, signIn);
  if (entering.dataset.offer !== undefined) offerInTheField(entering);
}

// Browsers give passkeys to https and to localhost, never to a bare network address (WebAuthn Level 2, 5.1.3).
function canHavePasskeys() {
  const bare = /^[\d.]+$|^\[/.test(location.hostname);
  return Boolean(window.isSecureContext && window.PublicKeyCredential && navigator.credentials && !bare);
}

function onSubmit(form, act) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
    say(form, form.dataset.waiting, "info");
    try {
      await act(form);
    } catch (error) {
      say(form, reason(form, error), "bad");
      button.removeAttribute("aria-busy");
      button.disabled = false;
    }
  }, true);
}

async function add(form) {
  const options = await post(form, form.dataset.options, {});
  const made = await navigator.credentials.create({ publicKey: creation(options) });
  const name = form.elements.name.value;
  location.assign((await post(form, form.action, { name, credential: written(made) })).next);
}

async function signIn(form) {
  fieldOffer?.abort();
  // Two first requests at once would begin two sessions, and the question asked last might be the lost one.
  await offered?.catch(() => {});
  const options = await post(form, form.dataset.options, {});
  await enter(form, await navigator.credentials.get({ publicKey: request(options) }));
}

// The passkey beside saved passwords in the login field, where the browser knows how.
async function offerInTheField(form) {
  fieldOffer = new AbortController();
  const known = await PublicKeyCredential.isConditionalMediationAvailable?.();
  if (!known || fieldOffer.signal.aborted) return;
  try {
    offered = post(form, form.dataset.options, {});
    const publicKey = request(await offered);
    const chosen = await navigator.credentials.get({ publicKey, mediation: "conditional", signal: fieldOffer.signal });
    if (chosen) await enter(form, chosen);
  } catch (error) {
    if (error instanceof Refused && !fieldOffer.signal.aborted) say(form, error.message, "bad");
  }
}

async function enter(form, credential) {
  const next = form.elements.next.value;
  location.assign((await post(form, form.action, { next, credential: written(credential) })).next);
}

async function post(form, address, body) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  const asked = { method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" };
  const answer = await fetch(address, { ...asked, redirect: "error" });
  const said = await answer.json().catch(() => ({}));
  if (said.go) {
    location.assign(said.go);
    return new Promise(() => {});
  }
  if (!answer.ok) throw new Refused(said.message || form.dataset.failed);
  return said;
}

function reason(form, error) {
  if (error instanceof Refused) return error.message;
  if (error.name === "NotAllowedError" || error.name === "AbortError") return form.dataset.cancelled;
  if (error.name === "InvalidStateError") return form.dataset.known || form.dataset.failed;
  return form.dataset.failed;
}

function say(form, text, tone) {
  const place = form.querySelector("[data-passkey-says]");
  place.className = `notice ${tone}`;
  place.textContent = text;
  place.hidden = !text;
}

function creation(options) {
  const told = options.publicKey || options;
  return {
    ...told,
    challenge: bytes(told.challenge),
    user: { ...told.user, id: bytes(told.user.id) },
    excludeCredentials: (told.excludeCredentials || []).map((each) => ({ ...each, id: bytes(each.id) })),
  };
}

function request(options) {
  const told = options.publicKey || options;
  return {
    ...told,
    challenge: bytes(told.challenge),
    allowCredentials: (told.allowCredentials || []).map((each) => ({ ...each, id: bytes(each.id) })),
  };
}

// A credential as JSON (WebAuthn Level 3, 5.1); not every browser has toJSON() yet.
function written(credential) {
  const given = credential.response;
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (given[name]) response[name] = text(given[name]);
  }
  if (given.getTransports) response.transports = given.getTransports();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function bytes(encoded) {
  const plain = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
