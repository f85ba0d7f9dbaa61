/** The program of the engine process: characters from run folders. */
import { memoryStats, openRun } from '@unicharacter/core';
import { preferredByOomKiller } from '../oom-score.js';
import { serveEngine } from './serve-engine.js';

// A training goes before it, the server after it.
preferredByOomKiller(500);
serveEngine({
  open: openRun,
  memory() {
    const { liveBytes, peakBytes } = memoryStats();
    return { live: liveBytes, peak: peakBytes, resident: process.memoryUsage.rss() };
  },
});
