/**
 * A bounded list of rows that forgets its oldest: what a live query has brought lately.
 *
 * Rows live in a fixed array that is written round and round, so that neither adding nor
 * forgetting moves anything: a list that is cut at the front copies all of it each time.
 */
export class Ring<T> {
	readonly capacity: number;
	#items: (T | undefined)[];
	#times: Float64Array;
	#total = 0;

	/** capacity: rows kept; the memory for it is taken as rows come. */
	constructor(capacity: number) {
		if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError("capacity below 1");
		this.capacity = capacity;
		this.#items = [];
		this.#times = new Float64Array(Math.min(capacity, 1024));
	}

	/** Rows that are there. */
	get size(): number {
		return Math.min(this.#total, this.capacity);
	}

	/** Rows that ever came. */
	get total(): number {
		return this.#total;
	}

	/** Rows forgotten: the number, from 0, of the row that at(0) returns. */
	get dropped(): number {
		return this.#total - this.size;
	}

	/** Adds rows that arrived at a time (milliseconds since 1970). */
	push(items: readonly T[], time: number): void {
		for (const item of items) {
			const slot = this.#total % this.capacity;
			if (slot >= this.#times.length) this.#grow();
			this.#items[slot] = item;
			this.#times[slot] = time;
			this.#total++;
		}
	}

	/** The row at a position, 0 being the oldest that is still there. */
	at(index: number): T | undefined {
		if (index < 0 || index >= this.size) return undefined;
		return this.#items[(this.dropped + index) % this.capacity];
	}

	/** When that row arrived. */
	timeAt(index: number): number {
		return this.#times[(this.dropped + index) % this.capacity] ?? Number.NaN;
	}

	clear(): void {
		this.#items = [];
		this.#total = 0;
	}

	#grow(): void {
		const times = new Float64Array(Math.min(this.capacity, this.#times.length * 2));
		times.set(this.#times);
		this.#times = times;
	}
}
