// The browser's side of uploads. Each file that was confirmed is sent to its job's own address, two at a time, and goes
// on by itself after a broken connection or a restarted server. The server's row is the truth: nothing is remembered here
// beyond the life of the page, and a row that is gone ends its upload.

import { useEffect, useSyncExternalStore } from "react";
import { addFiles, described, putBack, takeFiles } from "$/public/chosen_files.js";
import { makeStore } from "$/public/store.js";

const AT_ONCE = 2;
const ADDRESS = `${import.meta.env.BASE_URL}api/v1/uploads/`;
// Of a tab that broke down nobody hears the end. Timers of a hidden tab may run but once a minute.
const TELL_EACH_MS = 20_000;
const FORGET_AFTER_MS = 150_000;
const SENT_FOR_MS = 5000;
// Ten minutes of patience: quick at first, then every quarter of a minute. Progress starts it anew.
const RETRY_DELAYS_MS = [0, 500, 1000, 2000, 4000, 8000, ...Array(40).fill(15000)];

/** By job: "waiting" for its turn, "sending", just "sent", or "stopped" after too many failures. Of this page alone. */
const states = makeStore({});
/** What all tabs of this browser send, for display; see `merged`. */
const known = makeStore({});
/** What other tabs said that they send, and when: {jobs, at}, by tab. */
const otherTabs = new Map();
/** Confirmed entries of the dialog, by batch, until the server says which jobs they are. */
const batches = new Map();
/** Every file that this page ever sent, by job, so that a canceled upload can be begun again. */
const files = new Map();
/** To which batch of the server a job belongs. */
const batchOf = new Map();
const queue = [];
const running = new Map();
let batchCount = 0;
let hasConfirmed = false;

const setState = (jobId, state) => {
  const { [jobId]: _, ...others } = states.get();
  states.set(state ? { ...others, [jobId]: state } : others);
  share();
};

// --- tabs of one browser tell each other what they send, or a row would ask in one for a file that another sends

const THIS_TAB = `${Date.now()}-${Math.random()}`;
const channel = typeof window === "undefined" ? null : new BroadcastChannel(`uploads of ${ADDRESS}`);
let isSharing = false;

/** What this tab sends: {job: "waiting" | "sending" | "sent"}; "*" is any job, while confirmed files wait for theirs. */
const mine = () => {
  const sent = Object.entries(states.get()).filter(([, state]) => state !== "stopped");
  return Object.fromEntries(batches.size > 0 ? [["*", "waiting"], ...sent] : sent);
};

/** What all tabs send; for jobs that none of them does, "*" tells whether they send "others". */
const merged = () => {
  const sent = Object.assign({}, ...[...otherTabs.values()].map(({ jobs }) => jobs), mine());
  const rest = Object.keys(sent).length > 0 ? { "*": "others" } : {};
  return { ...rest, ...states.get(), ...sent };
};

const tell = (jobs) => channel?.postMessage({ tab: THIS_TAB, jobs });

/** Show what changed and tell it, once for all that changes together. */
const share = () => {
  if (isSharing) return;
  isSharing = true;
  queueMicrotask(() => {
    isSharing = false;
    known.set(merged());
    tell(mine());
  });
};

const hear = ({ data: { tab, jobs } }) => {
  if (!jobs) return tell(mine()); // a new tab asks
  otherTabs.delete(tab);
  if (Object.keys(jobs).length > 0) otherTabs.set(tab, { jobs, at: Date.now() });
  known.set(merged());
};

const tellAgain = () => {
  const jobs = mine();
  if (Object.keys(jobs).length > 0) tell(jobs);
  const silent = [...otherTabs].filter(([, { at }]) => at < Date.now() - FORGET_AFTER_MS);
  silent.forEach(([tab]) => otherTabs.delete(tab));
  if (silent.length > 0) known.set(merged());
};

/** Name the folder that all the files were dropped with; empty when they come from several, or alone. */
const folderOf = (chosen) => {
  const folders = chosen.map(
    (file) => (file.path || file.webkitRelativePath || "").split("/").filter((part) => part && part !== ".").slice(0, -1)[0],
  );
  return folders[0] && folders.every((folder) => folder === folders[0]) ? folders[0] : "";
};

/** Name the jobs that some tab sends or will: the same file chosen again is another one, none that goes on. */
const sentNow = () => Object.entries(merged()).flatMap(([jobId, state]) => (jobId === "*" || state === "stopped" ? [] : [jobId]));

/** Take the files out of the dialog and return what the server must know of them. */
const confirm = () => {
  const batch = `batch-${++batchCount}`;
  const entries = takeFiles();
  batches.set(batch, entries);
  share();
  hasConfirmed = true;
  return {
    batch,
    name: folderOf(entries.map(({ file }) => file)),
    files: entries.map(described),
    sending: sentNow(),
  };
};

/** Put the focus where a user goes on after the dialog: to the jobs after «Confirm», back to the button otherwise. */
const refocus = () => {
  document.getElementById(hasConfirmed ? "jobs-heading" : "browse")?.focus();
  hasConfirmed = false;
};

/** Put a batch that the server refused back into the dialog. */
const giveBack = (batch) => {
  const entries = batches.get(batch) ?? [];
  batches.delete(batch);
  share();
  putBack(entries);
};

/** Send a confirmed batch: the nth file to the nth job; null means that the server refused that file. `batchId` is the
 * batch's name at the server, if it made one of the files. */
const start = (batch, jobIds, batchId) => {
  const entries = batches.get(batch) ?? [];
  batches.delete(batch);
  share();
  jobIds.forEach((jobId, i) => {
    if (jobId && entries[i]) {
      files.set(jobId, entries[i].file);
      batchOf.set(jobId, batchId);
      enqueue(jobId);
    }
  });
};

/** Send a job's file from where the server has it, if this page still holds it. */
const again = (jobId) => {
  if (files.has(jobId)) enqueue(jobId);
};

/** Stop sending a job's file; it is kept, should the user begin again. */
const stop = (jobId) => {
  if (!states.get()[jobId]) return;
  running.get(jobId)?.abort();
  running.delete(jobId);
  if (queue.includes(jobId)) queue.splice(queue.indexOf(jobId), 1);
  setState(jobId, null);
  sendNext();
};

/** Stop sending the files of several jobs. */
const stopAll = (jobIds) => {
  // What waits goes first, or each file that stops would begin the next one.
  [...jobIds].sort((a, b) => running.has(a) - running.has(b)).forEach(stop);
};

/** Stop sending all files of a batch. */
const stopBatch = (batchId) => stopAll(Object.keys(states.get()).filter((jobId) => batchOf.get(jobId) === batchId));

const enqueue = (jobId) => {
  stop(jobId);
  queue.push(jobId);
  setState(jobId, "waiting");
  sendNext();
};

const sendNext = () => {
  while (running.size < AT_ONCE && queue.length > 0) {
    const jobId = queue.shift();
    running.set(jobId, { abort: () => {} });
    void send(jobId, files.get(jobId));
  }
};

const send = async (jobId, file) => {
  setState(jobId, "sending");
  const placeholder = running.get(jobId);
  const { Upload } = await import("tus-js-client");
  if (running.get(jobId) !== placeholder) return;
  const upload = new Upload(file, {
    uploadUrl: ADDRESS + jobId,
    retryDelays: RETRY_DELAYS_MS,
    storeFingerprintForResuming: false,
    onShouldRetry: mayRetry,
    onSuccess: () => ended(jobId, upload, null),
    onError: (error) => ended(jobId, upload, error),
  });
  running.set(jobId, upload);
  upload.start();
};

/** A row that is gone, canceled or failed never takes bytes again; all else is worth another try. */
const mayRetry = (error) => {
  const response = error.originalResponse;
  if (!response) return true;
  const status = response.getStatus();
  if (status === 409) return codeOf(response) === "UPLOAD_CONFLICT";
  return status === 408 || status === 429 || (status >= 500 && status !== 507);
};

const codeOf = (response) => {
  try {
    return JSON.parse(response.getBody()).error.code;
  } catch {
    return ""; // the answer to HEAD has no body: the row does not wait for bytes any more
  }
};

const ended = (jobId, upload, error) => {
  if (running.get(jobId) !== upload) return;
  running.delete(jobId);
  if (!error) noteSent(jobId);
  // With an answer the server's row says what happened. Without one nobody else knows that we gave up.
  else setState(jobId, error.originalResponse ? null : "stopped");
  sendNext();
};

/** The answer may come before the row says that all has arrived. */
const noteSent = (jobId) => {
  files.delete(jobId);
  setState(jobId, "sent");
  setTimeout(() => {
    if (states.get()[jobId] === "sent") setState(jobId, null);
  }, SENT_FOR_MS);
};

/** Follow this browser's uploads: {job id: "waiting" | "sending" | "sent" | "stopped"}, and "*" for any other job. */
export const useUploads = () => useSyncExternalStore(known.subscribe, known.get, known.get);

/** Take over each drop that the drop zone hands out. */
export const useDrops = (dropped) => {
  useEffect(() => {
    if (!dropped?.length) return;
    addFiles(dropped);
    // Needed in a moment; not part of the page's first load.
    void import("tus-js-client");
  }, [dropped]);
};

/** Write a size with decimal units, as the server does. */
export const sizeText = (bytes) => {
  if (bytes < 1000) return `${bytes} B`;
  let size = bytes;
  let unit = "";
  for (unit of ["KB", "MB", "GB", "TB"]) {
    size /= 1000;
    if (Math.round(size) < 1000) break;
  }
  return `${size.toFixed(Math.round(size * 10) < 100 ? 1 : 0)} ${unit}`;
};

const REASONS = {
  "file-invalid-type": () => "this type is not accepted",
  "file-too-large": (limit) => `larger than ${limit}`,
  "file-too-small": () => "empty",
};

/** Name each file that the drop zone refused, and say why; after one of a wrong type, which ones are accepted. */
export const refusalText = (refused, limit, accepted) => {
  const lines = refused.map(
    ({ file, errors }) => `${file.name}: ${REASONS[errors[0].code]?.(limit) ?? errors[0].message}`,
  );
  if (refused.some(({ errors }) => errors[0].code === "file-invalid-type")) lines.push(accepted);
  return lines.join("\n");
};

/** Open the browser's file chooser. */
const browse = () => {
  const input = document.querySelector("input[type=file]");
  input.value = ""; // or choosing the same file again would be no change
  input.click();
};

export const uploads = { confirm, giveBack, start, stop, stopAll, stopBatch, again, browse, refocus };

if (typeof window !== "undefined") {
  channel.onmessage = hear;
  channel.postMessage({});
  setInterval(tellAgain, TELL_EACH_MS);
  window.addEventListener("pagehide", () => tell({}));
  window.addEventListener("beforeunload", (event) => {
    if (Object.values(states.get()).some((state) => state === "waiting" || state === "sending")) event.preventDefault();
  });
  window.addEventListener("online", () => {
    for (const [jobId, state] of Object.entries(states.get())) {
      if (state === "stopped") again(jobId);
    }
  });
}
