/** The geometry of convolutions and poolings, in the order in which cpp/cpu/window.h reads it. */
import type { backend_util } from '../../lib/tfjs.mjs';
import type { Command } from '../command.js';

/** Writes the fields of a sliding window. */
export function writeWindow(command: Command, info: backend_util.Conv2DInfo): Command {
  return command
    .int(info.batchSize)
    .int(info.inHeight)
    .int(info.inWidth)
    .int(info.inChannels)
    .int(info.outHeight)
    .int(info.outWidth)
    .int(info.outChannels)
    .int(info.filterHeight)
    .int(info.filterWidth)
    .int(info.strideHeight)
    .int(info.strideWidth)
    .int(info.dilationHeight)
    .int(info.dilationWidth)
    .int(info.padInfo.top)
    .int(info.padInfo.left);
}
