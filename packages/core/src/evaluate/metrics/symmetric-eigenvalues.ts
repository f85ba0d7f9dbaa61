/** Sweeps after which a symmetric matrix of any size met here has long converged. */
const MAX_SWEEPS = 60;

/**
 * Eigenvalues of a real symmetric matrix, largest first, by cyclic Jacobi rotations (Golub & Van Loan, "Matrix
 * Computations", §8.5): slow for large matrices, but accurate to the last digits also for tiny eigenvalues.
 *
 * @param matrix row-major [n, n]; it is not changed
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const a = matrix.slice();
  for (let sweep = 0; sweep < MAX_SWEEPS && !isDiagonal(a, n); sweep++) {
    for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, n, p, q);
  }
  return Float64Array.from({ length: n }, (_, i) => a[i * n + i]!).sort((x, y) => y - x);
}

function isDiagonal(a: Float64Array, n: number): boolean {
  let off = 0;
  let all = 0;
  for (let i = 0; i < n * n; i++) {
    const square = a[i]! ** 2;
    all += square;
    if (i % (n + 1) !== 0) off += square;
  }
  return off <= all * 1e-32;
}

/** Makes a[p, q] zero by a rotation in the plane of the axes p and q. */
function rotate(a: Float64Array, n: number, p: number, q: number): void {
  const pq = a[p * n + q]!;
  if (pq === 0) return;
  const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * pq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta ** 2 + 1));
  const cosine = 1 / Math.sqrt(t ** 2 + 1);
  const sine = t * cosine;
  for (let k = 0; k < n; k++) {
    const [kp, kq] = [a[k * n + p]!, a[k * n + q]!];
    a[k * n + p] = cosine * kp - sine * kq;
    a[k * n + q] = sine * kp + cosine * kq;
  }
  for (let k = 0; k < n; k++) {
    const [pk, qk] = [a[p * n + k]!, a[q * n + k]!];
    a[p * n + k] = cosine * pk - sine * qk;
    a[q * n + k] = sine * pk + cosine * qk;
  }
}
