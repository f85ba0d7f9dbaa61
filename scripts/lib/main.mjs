/** Runs a script; an error ends it with one message and exit code 1 (130 when it was interrupted). */
export async function main(work) {
  process.on('SIGINT', () => {});
  try {
    await work();
  } catch (error) {
    const interrupted = error.code === 130 || error.signal === 'SIGINT';
    console.error(
      interrupted ? '\nInterrupted. Run the same command again to go on.' : `\nerror: ${error.message}`,
    );
    process.exitCode = interrupted ? 130 : 1;
  }
}
