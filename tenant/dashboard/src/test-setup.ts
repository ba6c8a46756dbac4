import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// Other tests run beside these: what comes late is no fault, what never comes is.
configure({ asyncUtilTimeout: 30_000 });
afterEach(cleanup);
