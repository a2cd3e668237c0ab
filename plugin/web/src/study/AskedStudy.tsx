import { Facts } from "../components/Facts";
import { Person } from "../components/Person";
import { ofNamed, type Named } from "../components/whom";
import { WhatItIs, type Described } from "./WhatItIs";

/** The study a question is about: whose it is, and what it is. */
export function AskedStudy({ study }: { study: Named & Described }) {
  return (
    <div className="asked">
      <Person whom={ofNamed(study)} />
      <Facts across>
        <WhatItIs study={study} />
      </Facts>
    </div>
  );
}
