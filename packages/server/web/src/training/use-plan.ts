import { useEffect, useState } from 'preact/hooks';
import { type Plan, planJob } from '../api/jobs.js';
import { wordsOf } from '../api/request.js';
import { type Settings, wishOf } from './settings.js';

/** Milliseconds without a change before the server is asked, so that it is not asked for every key. */
const SETTLED = 250;

export type Planned = { readonly plan: Plan } | { readonly problem: string } | undefined;

/** What the training would do with the settings; undefined while the server thinks. */
export function usePlan(character: string, settings: Settings): Planned {
  const [planned, setPlanned] = useState<Planned>();
  useEffect(() => {
    const controller = new AbortController();
    const ask = async () => {
      try {
        setPlanned({ plan: await planJob(wishOf(character, settings), controller.signal) });
      } catch (error) {
        if (!controller.signal.aborted) setPlanned({ problem: wordsOf(error) });
      }
    };
    setPlanned(undefined);
    const timer = setTimeout(ask, SETTLED);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [character, settings]);
  return planned;
}
