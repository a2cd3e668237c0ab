/**
 * Where files come in: dropped, or chosen by button. The large button fills the zone, so a click
 * anywhere and the keyboard do the same; folders have a button of their own.
 */
import { useRef, useState, type InputHTMLAttributes } from "react";
import { useDropzone } from "react-dropzone";
import { Icon } from "../components/Icon";
import { t } from "../i18n";

export interface ChosenFile {
  file: File;
  /** The path inside the folder it came from, as far as the browser tells it. */
  name: string;
}

interface Props {
  /** There are files already: more may be added, but they are what matters now. */
  small: boolean;
  onFiles: (files: ChosenFile[]) => void;
}

const folderPicker = { webkitdirectory: "" } as InputHTMLAttributes<HTMLInputElement>;

export function DropZone({ small, onFiles }: Props) {
  const [problem, setProblem] = useState<string | null>(null);
  const folderInput = useRef<HTMLInputElement>(null);

  const take = (files: readonly File[]) => {
    setProblem(files.length === 0 ? t("upload.nothing") : null);
    if (files.length > 0) onFiles(files.map((file) => ({ file, name: pathOf(file) })));
  };

  const { getRootProps, getInputProps, isDragActive, open } = useDropzone({
    onDrop: (accepted) => take(accepted),
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
            take([...(event.target.files ?? [])]);
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

function pathOf(file: File): string {
  const dropped = "relativePath" in file && typeof file.relativePath === "string" ? file.relativePath : "";
  return (file.webkitRelativePath || dropped || file.name).replace(/^\.?\//, "");
}
