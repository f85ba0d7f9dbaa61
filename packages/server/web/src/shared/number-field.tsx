interface NumberFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly min: number;
  readonly max?: number;
  readonly step?: number;
  readonly placeholder?: string;
  readonly required?: boolean;
}

/** A number; empty while none is chosen. */
export function NumberField({ label, onValue, ...field }: NumberFieldProps) {
  return (
    <label>
      {label}
      <input type="number" {...field} onInput={(event) => onValue(event.currentTarget.value)} />
    </label>
  );
}
