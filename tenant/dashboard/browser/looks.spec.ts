// Every screen in both themes and languages, on a phone and on a desk: accessible, nothing sideways.
// SCREENSHOTS=<folder> also keeps a picture of each.
import type { Page } from "@playwright/test";

import { opening, stream, type Agent } from "./agent";
import { CITATION, conversation, document, id, job, ME, message, PAGE, question } from "./bodies";
import { expect, expectAccessible, expectNoSideways, test } from "./test";

const LONG =
  "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3);
const C = id(100);

interface Screen {
  name: string;
  path: string;
  prepare?: (agent: Agent) => void;
  reach?: (page: Page) => Promise<void>;
}

function fill(agent: Agent): void {
  const failure = { code: "encrypted", message: `Passwort geschützt: ${LONG}`, retryable: true };
  agent.documents = [
    document(10),
    document(11, { name: `${LONG}.pdf` }),
    document(12, {
      state: "processing",
      page_count: null,
      job: job(id(12), { state: "running", stage: "embedding", progress: 0.4 }),
    }),
    document(13, {
      state: "failed",
      page_count: null,
      job: job(id(13), { state: "failed", failure }),
    }),
    ...Array.from({ length: 6 }, (_, index) => document(14 + index)),
  ];
  agent.conversations = [
    conversation(100, "Belege nach einer Dienstreise"),
    ...Array.from({ length: 99 }, (_, index) =>
      conversation(101 + index, `Frage ${index} ${LONG}`),
    ),
  ];
  const busy = { code: "model_busy", message: "Das Modell ist ausgelastet.", retryable: true };
  agent.messages.set(C, [
    question(1, C, "Bis wann muss ich Belege nach einer Dienstreise einreichen?"),
    message(2, C, {
      content:
        "Belege reichen Sie **innerhalb von 14 Tagen** ein [1]. Dazu gehören:\n\n- Fahrkarten [1]\n- Hotelrechnungen\n\n### Ausnahmen\n\n1. Krankheit\n2. Ausland\n\n```\nFormular R-12\n```",
      removed_sentences: 2,
      citations: [CITATION, { ...CITATION, n: 2, document_name: `${LONG}.pdf`, available: false }],
    }),
    question(3, C, LONG),
    message(4, C, { outcome: "not_found", citations: [] }),
    question(5, C, "Und sonst?"),
    message(6, C, { state: "failed", failure: busy, outcome: null, citations: [] }),
    question(7, C, "Noch einmal."),
    message(8, C, { content: `${LONG} [1]` }),
  ]);
  agent.page = { ...PAGE, text: `${PAGE.text}\n\n${LONG}` };
}

const SCREENS: Screen[] = [
  {
    name: "sign-in",
    path: "/",
    prepare: (agent) => {
      agent.me = null;
      agent.expected.push(/Failed to load resource/);
    },
  },
  {
    name: "first-password",
    path: "/",
    prepare: (agent) => {
      agent.me = { ...ME, must_change_password: true };
    },
  },
  { name: "start", path: "/chat" },
  { name: "chat", path: `/chat/${C}`, prepare: fill },
  {
    name: "source",
    path: `/chat/${C}`,
    prepare: fill,
    reach: async (page) => {
      await page.locator(".chip[aria-label]").first().click();
      await expect(page.locator("mark")).toBeVisible();
    },
  },
  {
    name: "growing",
    path: `/chat/${C}`,
    prepare: (agent) => {
      fill(agent);
      agent.messages.set(C, []);
      const stored = message(9, C);
      agent.overrides.set(`POST /conversations/${C}/messages`, (route) =>
        stream(route, opening(stored)),
      );
      // The rest of it never comes.
      agent.overrides.set(`GET /conversations/${C}/messages/${stored.id}/events`, () =>
        Promise.resolve(),
      );
    },
    reach: async (page) => {
      await page.locator("textarea").fill("Bis wann muss ich Belege einreichen?");
      await page.keyboard.press("Enter");
      await expect(page.locator(".cursor")).toBeVisible();
    },
  },
  {
    name: "stopped",
    path: `/chat/${C}`,
    prepare: (agent) => {
      fill(agent);
      agent.messages.set(C, [
        question(1, C, "Bis wann muss ich Belege einreichen?"),
        message(2, C, { state: "stopped", outcome: null }),
        question(3, C, "Und im Ausland?"),
        message(4, C, { state: "stopped", outcome: null, content: "", citations: [] }),
      ]);
    },
  },
  {
    name: "history",
    path: `/chat/${C}`,
    prepare: (agent) => {
      fill(agent);
      const rows = Array.from({ length: 20 }, (_, n) => [
        question(2 * n, C, `Frage ${n}: Was gilt bei Reisen in Land ${n}?`),
        message(2 * n + 1, C, {
          content: `In Land ${n} gelten **${n + 10} Euro** am Tag [1]. Belege sind nicht nötig [1].`,
        }),
      ]);
      agent.messages.set(C, rows.flat());
    },
  },
  {
    name: "unread",
    path: `/chat/${C}`,
    prepare: (agent) => {
      fill(agent);
      agent.expected.push(/Failed to load resource/);
      agent.overrides.set(`GET /conversations/${C}/messages`, (route) => route.abort());
    },
    reach: async (page) => {
      await expect(page.getByRole("alert")).toBeVisible({ timeout: 15_000 });
    },
  },
  { name: "no-documents", path: "/documents" },
  { name: "documents", path: "/documents", prepare: fill },
  {
    name: "delete",
    path: "/documents",
    prepare: fill,
    reach: async (page) => {
      await page.locator(".document-actions button").last().click();
    },
  },
  {
    name: "account",
    path: "/chat",
    prepare: fill,
    reach: async (page) => {
      const menu = page.locator(".top-bar button");
      if (await menu.isVisible()) await menu.click();
      await page.locator(".account-button").click();
    },
  },
  {
    name: "password",
    path: "/chat",
    reach: async (page) => {
      const menu = page.locator(".top-bar button");
      if (await menu.isVisible()) await menu.click();
      await page.locator(".account-button").click();
      await page.locator(".account-popover > .button").first().click();
    },
  },
  { name: "nowhere", path: "/nowhere" },
];

const LOOKS = {
  de: [
    { theme: "light", width: 1280, height: 800 },
    { theme: "dark", width: 390, height: 740 },
  ],
  en: [
    { theme: "dark", width: 1280, height: 800 },
    { theme: "light", width: 360, height: 740 },
  ],
} as const;

for (const language of ["de", "en"] as const) {
  test.describe(language, () => {
    test.use({ locale: language });
    for (const screen of SCREENS) {
      test(screen.name, async ({ page, agent }) => {
        screen.prepare?.(agent);
        for (const look of LOOKS[language]) await lookAt(page, screen, language, look);
      });
    }
  });
}

type Look = (typeof LOOKS)[keyof typeof LOOKS][number];

/** Opens the screen anew: a page that was only resized keeps what was open on it. */
async function lookAt(page: Page, screen: Screen, language: string, look: Look): Promise<void> {
  const { theme, width, height } = look;
  await test.step(`${theme}, ${width} px`, async () => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(screen.path);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    if (screen.name !== "unread") {
      await expect(page.locator(".loading, .raw-text")).toHaveCount(0);
    }
    await screen.reach?.(page);
    const folder = process.env.SCREENSHOTS;
    const file = `${screen.name}-${theme}-${language}-${width}.png`;
    if (folder) await page.screenshot({ path: `${folder}/${file}` });
    await expectNoSideways(page);
    await expectAccessible(page);
  });
}
