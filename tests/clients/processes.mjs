// Programs that a check starts: their output is kept for the day they fail, and none outlives the run.
import { spawn } from "node:child_process";
import { within } from "./telegram.mjs";

/** Programs, and whether each leads a group. */
const running = new Map();

/** Starts a program. Nothing of our own configuration in the environment reaches it but what is given. `group`: it has
 * children of its own, which end with it. */
export function start(name, command, args, env = {}, cwd = undefined, group = false) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("HUBBUB_")));
  const child = spawn(command, args, { env: { ...clean, ...env }, cwd, stdio: ["pipe", "pipe", "pipe"], detached: group });
  running.set(child, group);
  // One that ends without reading its input is told by its end.
  child.stdin.on("error", () => {});
  let output = "";
  const watchers = new Set();
  const take = (piece) => {
    output += piece;
    for (const look of watchers) look();
  };
  child.stdout.setEncoding("utf8").on("data", take);
  child.stderr.setEncoding("utf8").on("data", take);
  const over = new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: -1, error: error.message }));
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
  over.then(() => running.delete(child));
  const tail = () => output.split("\n").slice(-40).join("\n");

  return {
    child,
    over,
    output: () => output,
    /** Waits for a line of the output; gives the match. */
    said(pattern) {
      const seen = new Promise((resolve) => {
        const look = () => {
          const match = output.match(pattern);
          if (match) {
            watchers.delete(look);
            resolve(match);
          }
        };
        watchers.add(look);
        look();
      });
      const ended = over.then((end) => {
        throw new Error(`${name} ended (${JSON.stringify(end)}) before it said ${pattern}:\n${tail()}`);
      });
      ended.catch(() => {});
      return within(`${name} says ${pattern}`, Promise.race([seen, ended]));
    },
    /** Waits for a good end. */
    async done(ms) {
      const end = await within(`${name} ends`, over, ms);
      if (end.code !== 0) throw new Error(`${name} ended with ${JSON.stringify(end)}:\n${tail()}`);
      return output;
    },
    /** Asks it to stop, and wants it to stop well. */
    async stop() {
      child.kill("SIGTERM");
      return this.done();
    },
  };
}

/** Runs a program to its end; gives its output. */
export async function run(name, command, args, { env = {}, input = "", cwd, ms } = {}) {
  const program = start(name, command, args, env, cwd);
  program.child.stdin.end(input);
  return program.done(ms);
}

export function killAll() {
  for (const [child, group] of running) {
    if (!group || child.pid === undefined) child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  }
}
