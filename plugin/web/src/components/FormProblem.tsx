import { Icon } from "./Icon";

/** What is wrong with a form, said when it comes; `id` is for `aria-describedby`. The place stands before, so it is heard. */
export function FormProblem({ id, text }: { id: string; text: string | null }) {
  return (
    <div className="form-problem" role="alert" id={id}>
      {text && (
        <p className="notice notice-bad">
          <Icon name="alert" />
          <span>{text}</span>
        </p>
      )}
    </div>
  );
}
