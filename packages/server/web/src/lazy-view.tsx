import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A view whose script is loaded when it is first shown. */
export function lazyView<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  return function LazyView(props: Props) {
    const [View, setView] = useState<ComponentType<Props>>();
    useEffect(() => {
      load().then((loaded) => setView(() => loaded));
    }, []);
    return View ? (
      <View {...props} />
    ) : (
      <main>
        <p class="notice" role="status">
          Loading…
        </p>
      </main>
    );
  };
}
