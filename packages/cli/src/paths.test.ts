import { describe, expect, it } from 'vitest';
import { fromUser, userFolder } from './paths.js';

describe('userFolder', () => {
  it('is the working folder of a plain call', () => {
    expect(userFolder({}, '/home/me')).toBe('/home/me');
  });

  it('is where the user stood when nx or npm moved to the root', () => {
    expect(userFolder({ INIT_CWD: '/repo/docs', NX_WORKSPACE_ROOT: '/repo' }, '/repo')).toBe('/repo/docs');
    expect(userFolder({ INIT_CWD: '/repo/docs', npm_config_local_prefix: '/repo' }, '/repo')).toBe(
      '/repo/docs',
    );
  });

  it('is the working folder when a program inside npm changed to another one', () => {
    expect(userFolder({ INIT_CWD: '/repo', npm_config_local_prefix: '/repo' }, '/tmp/x')).toBe('/tmp/x');
  });
});

describe('fromUser', () => {
  it('resolves relative paths and keeps absolute ones', () => {
    expect(fromUser('/home/me', '../data')).toBe('/home/data');
    expect(fromUser('/home/me', '/data')).toBe('/data');
  });
});
