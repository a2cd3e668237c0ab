import { useQuery } from "@tanstack/react-query";
import { useObjectFile } from "../api/objects";
import { t } from "../i18n";
import { term } from "./dataset";
import { curve, waveformsOf, type Waveform } from "./ecg";

interface Props {
  study: string;
  series: string;
  instance: string;
}

const ROW = 25;
const MARGIN = 14;

/** A waveform as on paper: 25 mm/s, 10 mm/mV, one channel below the other. */
export function Curves({ study, series, instance }: Props) {
  const file = useObjectFile();
  const waveforms = useQuery({
    queryKey: ["study", study, "waveform", instance],
    staleTime: Infinity,
    gcTime: 0,
    queryFn: async ({ signal }) => waveformsOf(await file(study, series, instance, signal)),
  });
  if (waveforms.isPending) return <p role="status">{t("app.loading")}</p>;
  if (!waveforms.data || waveforms.data.length === 0) return <p className="muted">{t("objects.waveform.none")}</p>;
  return (
    <div className="stack">
      {waveforms.data.map((waveform, at) => (
        <Paper key={at} waveform={waveform} />
      ))}
    </div>
  );
}

function Paper({ waveform: { label: said, frequency, channels } }: { waveform: Waveform }) {
  const label = term(said);
  const seconds = (channels[0]?.samples.length ?? 0) / frequency;
  const [width, height] = [MARGIN + seconds * 25 + 2, channels.length * ROW];
  const name = t("objects.waveform.label", { name: label || t("objects.kind.waveform"), channels: channels.map((one) => one.name).join(", ") });
  return (
    <figure className="curves">
      <figcaption className="small muted">
        {label && `${label} · `}
        {t("objects.waveform.paper", { seconds: Math.round(seconds * 10) / 10 })}
      </figcaption>
      {/* Wider than a phone: it can be moved sideways, also with the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="curves-frame" role="group" aria-label={name} tabIndex={0}>
        <svg viewBox={`0 0 ${width} ${height}`} width={`${width * 4}`} height={`${height * 4}`} role="img" aria-label={name}>
          <path className="curves-grid" d={grid(width, height, 5)} />
          {channels.map((channel, at) => (
            <g key={at} transform={`translate(0 ${(at + 0.5) * ROW})`}>
              <text x={1} y={-4}>
                {channel.name}
              </text>
              <path className="curves-line" transform={`translate(${MARGIN} 0)`} d={curve(channel, frequency)} />
            </g>
          ))}
        </svg>
      </div>
    </figure>
  );
}

/** Lines every so many millimetres. */
function grid(width: number, height: number, every: number): string {
  const count = (length: number) => Array.from({ length: Math.floor(length / every) + 1 }, (_, at) => at * every);
  return [...count(width).map((x) => `M${x} 0V${height}`), ...count(height).map((y) => `M0 ${y}H${width}`)].join("");
}
