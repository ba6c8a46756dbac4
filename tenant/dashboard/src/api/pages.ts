// Lists come in pages; the dashboard shows and filters them whole.

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

interface Query {
  limit: number;
  cursor?: string;
}

const LIMIT = 200;

export async function everyPage<Item>(read: (query: Query) => Promise<Page<Item>>) {
  const all: Item[] = [];
  let query: Query | null = { limit: LIMIT };
  while (query !== null) {
    const page: Page<Item> = await read(query);
    all.push(...page.items);
    query = page.next_cursor === null ? null : { limit: LIMIT, cursor: page.next_cursor };
  }
  return all;
}
