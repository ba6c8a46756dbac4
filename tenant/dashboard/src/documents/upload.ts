// Uploads with progress: fetch cannot report what was sent, XMLHttpRequest can.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";

import { ApiError, requestHeaders, type Schemas } from "../api/client";
import { put, type Document } from "./documents";

export interface Upload {
  key: number;
  name: string;
  share: number;
  error: string | null;
}

let nextKey = 0;

function send(file: File, onProgress: (share: number) => void): Promise<Document> {
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

function refusal(status: number, problem: Partial<Schemas["Problem"]>): ApiError {
  return new ApiError(status, problem.code ?? "", problem.detail ?? "", problem.document_id);
}

/** Uploads on their way and those refused, with the sentence why. */
export function useUploads(unreachable: string) {
  const queries = useQueryClient();
  const [uploads, setUploads] = useState<Upload[]>([]);

  const dismiss = useCallback((key: number) => {
    setUploads((all) => all.filter((upload) => upload.key !== key));
  }, []);

  const change = useCallback((key: number, patch: Partial<Upload>) => {
    setUploads((all) => all.map((each) => (each.key === key ? { ...each, ...patch } : each)));
  }, []);

  const start = useCallback(
    async (file: File) => {
      const key = nextKey++;
      setUploads((all) => [...all, { key, name: file.name, share: 0, error: null }]);
      try {
        put(
          queries,
          await send(file, (share) => {
            change(key, { share });
          }),
        );
        dismiss(key);
      } catch (error) {
        const text = error instanceof ApiError ? error.message : "";
        change(key, { error: text || unreachable });
      }
    },
    [queries, change, dismiss, unreachable],
  );

  const add = useCallback(
    (files: Iterable<File>) => {
      for (const file of files) void start(file);
    },
    [start],
  );
  return { uploads, add, dismiss };
}
