// Uploads with progress: fetch cannot report what was sent, XMLHttpRequest can.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";

import { ApiError, refusal, requestHeaders, sentenceOf, type Schemas } from "../api/client";
import { put, type Document } from "./documents";

export interface Upload {
  key: number;
  name: string;
  share: number;
  error: string | null;
  /** The document that is there already, when that is why the file was refused. */
  twin: string | null;
  abort: AbortController;
}

interface Waiting {
  key: number;
  file: File;
  signal: AbortSignal;
}

let nextKey = 0;

function send(
  file: File,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Document> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/v1/documents");
    for (const [name, value] of Object.entries(requestHeaders())) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      const answer = parse(request.responseText);
      if (request.status < 300) resolve(answer as Document);
      else reject(refusal(request.status, answer as Partial<Schemas["Problem"]>));
    };
    request.onerror = () => {
      reject(new ApiError(0, "unreachable", ""));
    };
    signal.addEventListener("abort", () => {
      request.abort();
      reject(new ApiError(0, "cancelled", ""));
    });
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const AT_ONCE = 3;

interface Rules {
  /** Size of the largest file that is sent, in bytes. */
  limit: number;
  tooLarge: string;
  unreachable: string;
}

/** As the agent's own sentences count; written for people as MB. */
export function mebibytes(bytes: number): number {
  return Math.floor(bytes / 2 ** 20);
}

/** Takes files in order, a few at a time; the list lives as long as the account is signed in. */
export function useUploads({ limit, tooLarge, unreachable }: Rules) {
  const queries = useQueryClient();
  const [uploads, setUploads] = useState<Upload[]>([]);
  const waiting = useRef<Waiting[]>([]);
  const running = useRef(0);

  const change = useCallback((key: number, patch: Partial<Upload>) => {
    setUploads((all) => all.map((each) => (each.key === key ? { ...each, ...patch } : each)));
  }, []);

  const forget = useCallback((key: number) => {
    waiting.current = waiting.current.filter((each) => each.key !== key);
    setUploads((all) => all.filter((upload) => upload.key !== key));
  }, []);

  const begin = useCallback(
    async ({ key, file, signal }: Waiting) => {
      const onProgress = (share: number) => {
        change(key, { share });
      };
      try {
        put(queries, await send(file, signal, onProgress));
        forget(key);
      } catch (error) {
        const known = error instanceof ApiError ? error : null;
        change(key, { error: sentenceOf(error) || unreachable, twin: known?.documentId ?? null });
      }
    },
    [queries, change, forget, unreachable],
  );

  const work = useCallback(async () => {
    if (running.current >= AT_ONCE) return;
    running.current += 1;
    for (let next = waiting.current.shift(); next; next = waiting.current.shift()) {
      await begin(next);
    }
    running.current -= 1;
  }, [begin]);

  const add = useCallback(
    (files: Iterable<File>) => {
      const fresh = [...files].map((file) => ({
        key: nextKey++,
        file,
        // Refused here already: hundreds of megabytes sent in vain are minutes on a slow line.
        error: file.size > limit ? tooLarge : null,
        abort: new AbortController(),
      }));
      const sent = fresh.filter(({ error }) => error === null);
      waiting.current.push(
        ...sent.map(({ key, file, abort }) => ({ key, file, signal: abort.signal })),
      );
      setUploads((all) => [...all, ...fresh.map(begun)]);
      sent.forEach(() => void work());
    },
    [work, limit, tooLarge],
  );

  const dismiss = useCallback(
    (upload: Upload) => {
      upload.abort.abort();
      forget(upload.key);
    },
    [forget],
  );
  return { uploads, add, dismiss };
}

function begun({
  file,
  ...fresh
}: Pick<Upload, "key" | "error" | "abort"> & { file: File }): Upload {
  return { ...fresh, name: file.name, share: 0, twin: null };
}
