import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, NavLink, useMatch, useNavigate } from "react-router";

import { Button, IconButton } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Failure } from "../ui/failure";
import { Icon } from "../ui/icon";
import { useConversations, useDelete, useRename, type Conversation } from "./conversations";

type Open = { what: "rename" | "delete"; conversation: Conversation } | null;

export function ConversationList() {
  const { t } = useTranslation();
  const { data = [], isPending, isError } = useConversations();
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState<Open>(null);
  const wanted = search.trim().toLowerCase();
  const shown = data.filter(({ title }) => title.toLowerCase().includes(wanted));
  const close = () => {
    setOpen(null);
  };
  return (
    <section className="history" aria-label={t("chat.history")}>
      <div className="history-head">
        <h2>{t("chat.history")}</h2>
        <Link
          className="button ghost square"
          to="/chat"
          aria-label={t("chat.new")}
          title={t("chat.new")}
        >
          <Icon name="plus" />
        </Link>
      </div>
      {data.length > 5 && (
        <input
          type="search"
          className="small"
          placeholder={t("chat.search")}
          aria-label={t("chat.search")}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      )}
      {isError && data.length === 0 && <p className="hint">{t("app.unreachable")}</p>}
      {!isPending && !isError && shown.length === 0 && (
        <p className="hint">{t(data.length === 0 ? "chat.noHistory" : "chat.noMatch")}</p>
      )}
      <ul>
        {shown.map((conversation) => (
          <Row key={conversation.id} conversation={conversation} onOpen={setOpen} />
        ))}
      </ul>
      {open?.what === "rename" && <RenameDialog conversation={open.conversation} onClose={close} />}
      {open?.what === "delete" && <DeleteDialog conversation={open.conversation} onClose={close} />}
    </section>
  );
}

interface RowProps {
  conversation: Conversation;
  onOpen: (open: Open) => void;
}

function Row({ conversation, onOpen }: RowProps) {
  const { t } = useTranslation();
  const menu = useId();
  const title = conversation.title || t("chat.new");
  const choose = (what: "rename" | "delete") => () => {
    onOpen({ what, conversation });
  };
  return (
    <li className="history-row">
      <NavLink to={`/chat/${conversation.id}`} title={title}>
        {title}
      </NavLink>
      <IconButton icon="more" label={t("chat.more", { title })} popoverTarget={menu} />
      <div id={menu} popover="auto" className="menu row-popover">
        <Button
          look="ghost"
          popoverTarget={menu}
          popoverTargetAction="hide"
          onClick={choose("rename")}
        >
          {t("chat.rename")}
        </Button>
        <Button
          look="ghost"
          popoverTarget={menu}
          popoverTargetAction="hide"
          onClick={choose("delete")}
        >
          {t("chat.delete")}
        </Button>
      </div>
    </li>
  );
}

interface DialogProps {
  conversation: Conversation;
  onClose: () => void;
}

function RenameDialog({ conversation, onClose }: DialogProps) {
  const { t } = useTranslation();
  const [title, setTitle] = useState(conversation.title);
  const id = useId();
  const rename = useRename();
  const submit = () => {
    rename.mutate({ id: conversation.id, title: title.trim() }, { onSuccess: onClose });
  };
  const actions = (
    <>
      <Button onClick={onClose}>{t("app.cancel")}</Button>
      <Button look="primary" type="submit" disabled={title.trim() === "" || rename.isPending}>
        {t("app.save")}
      </Button>
    </>
  );
  return (
    <Dialog title={t("chat.renameTitle")} onClose={onClose} onSubmit={submit} actions={actions}>
      <Failure error={rename.error} />
      <div className="field">
        <label htmlFor={id}>{t("chat.name")}</label>
        <input
          id={id}
          value={title}
          maxLength={200}
          onChange={(event) => {
            setTitle(event.target.value);
          }}
        />
      </div>
    </Dialog>
  );
}

function DeleteDialog({ conversation, onClose }: DialogProps) {
  const { t } = useTranslation();
  const remove = useDelete();
  const navigate = useNavigate();
  const shown = useMatch("/chat/:id")?.params.id === conversation.id;
  const submit = () => {
    remove.mutate(conversation.id, {
      onSuccess: () => {
        onClose();
        if (shown) void navigate("/chat");
      },
    });
  };
  const actions = (
    <>
      <Button onClick={onClose}>{t("app.cancel")}</Button>
      <Button look="danger" type="submit" disabled={remove.isPending}>
        {t("chat.delete")}
      </Button>
    </>
  );
  return (
    <Dialog title={t("chat.deleteTitle")} onClose={onClose} onSubmit={submit} actions={actions}>
      <Failure error={remove.error} />
      <p>{t("chat.deleteText", { title: conversation.title || t("chat.new") })}</p>
    </Dialog>
  );
}
