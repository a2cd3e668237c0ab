/**
 * Where files come in: dropped, or chosen by button. The large button fills the zone, so a click
 * anywhere and the keyboard do the same; folders have a button of their own.
 */
import { useRef, useState, type InputHTMLAttributes } from "react";
import { useDropzone, type DropEvent } from "react-dropzone";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { ofInput, ofTransfer, type Chosen } from "./arrived";

interface Props {
  /** There are files already: more may be added, but they are what matters now. */
  small: boolean;
  onFiles: (files: readonly Chosen[]) => void;
}

const folderPicker = { webkitdirectory: "" } as InputHTMLAttributes<HTMLInputElement>;

export function DropZone({ small, onFiles }: Props) {
  const [problem, setProblem] = useState<string | null>(null);
  const folderInput = useRef<HTMLInputElement>(null);

  const take = (files: readonly Chosen[]) => {
    setProblem(files.length === 0 ? t("upload.nothing") : null);
    if (files.length > 0) onFiles(files);
  };

  const { getRootProps, getInputProps, isDragActive, open } = useDropzone({
    // Taken here and kept from the library, which would ask for the size of each.
    getFilesFromEvent: async (event) => {
      const arrived = filesOf(event);
      if (arrived) take(await arrived);
      return [];
    },
    onError: () => setProblem(t("upload.unreadable")),
    noClick: true,
    noKeyboard: true,
  });

  return (
    <div {...getRootProps({ className: `drop${isDragActive ? " drop-over" : ""}${small ? " drop-small" : ""}`, tabIndex: undefined, role: undefined })}>
      <input {...getInputProps({ style: { display: "none" }, "aria-label": t("upload.choose") })} />
      <button type="button" className="drop-button" onClick={open} aria-describedby="drop-hint">
        <Icon name="upload" />
        <span className="drop-text">{isDragActive ? t("upload.drop.now") : t(small ? "upload.drop.more" : "upload.drop")}</span>
        <span className="button button-primary drop-choose">{t("upload.choose")}</span>
      </button>
      <div className="drop-more">
        <button type="button" className="button" onClick={() => folderInput.current?.click()}>
          <Icon name="folder" />
          {t("upload.choose_folder")}
        </button>
        <input
          ref={folderInput}
          type="file"
          multiple
          hidden
          aria-label={t("upload.choose_folder")}
          {...folderPicker}
          onChange={(event) => {
            take(ofInput(event.target));
            event.target.value = "";
          }}
        />
        <p id="drop-hint" className="muted">
          {t("upload.hint")}
        </p>
      </div>
      <p role="alert" className="drop-problem">
        {problem}
      </p>
    </div>
  );
}

/** What a drop, a paste or a choice brought; null while something is only dragged over the zone. */
function filesOf(event: DropEvent | FileSystemFileHandle[]): Chosen[] | Promise<Chosen[]> | null {
  if (Array.isArray(event) || event.type.startsWith("drag")) return null;
  if ("dataTransfer" in event && event.dataTransfer) return ofTransfer(event.dataTransfer);
  if ("clipboardData" in event && event.clipboardData) return ofTransfer(event.clipboardData);
  return event.target instanceof HTMLInputElement ? ofInput(event.target) : null;
}
