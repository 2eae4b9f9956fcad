// What shares of industries are measured by, in the order of figures.
export const BASES = ['output', 'land', 'floor_area', 'enterprises'];
