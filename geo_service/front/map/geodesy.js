// Lengths and areas on the ellipsoid of CGCS2000, from longitude and latitude.
const A = 6378137;
const F = 1 / 298.257222101;
const B = A * (1 - F);
const E2 = F * (2 - F);
const E = Math.sqrt(E2);
const RADIANS = Math.PI / 180;

// Length in metres of the geodesic between two places (Vincenty's inverse formula; places
// nearly opposite on the globe, where it does not settle, fall back to the sphere).
export function distance(one, other) {
  const longitudes = (other.lng - one.lng) * RADIANS;
  const u1 = Math.atan((1 - F) * Math.tan(one.lat * RADIANS));
  const u2 = Math.atan((1 - F) * Math.tan(other.lat * RADIANS));
  const [sin1, cos1, sin2, cos2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let lambda = longitudes;
  for (let turn = 0; turn < 100; turn += 1) {
    const [sinL, cosL] = [Math.sin(lambda), Math.cos(lambda)];
    const sinS = Math.hypot(cos2 * sinL, cos1 * sin2 - sin1 * cos2 * cosL);
    if (sinS === 0) {
      return 0;
    }
    const cosS = sin1 * sin2 + cos1 * cos2 * cosL;
    const sigma = Math.atan2(sinS, cosS);
    const sinA = (cos1 * cos2 * sinL) / sinS;
    const cosA2 = 1 - sinA * sinA;
    const cosM = cosA2 === 0 ? 0 : cosS - (2 * sin1 * sin2) / cosA2;
    const c = (F / 16) * cosA2 * (4 + F * (4 - 3 * cosA2));
    const before = lambda;
    lambda =
      longitudes +
      (1 - c) * F * sinA * (sigma + c * sinS * (cosM + c * cosS * (2 * cosM * cosM - 1)));
    if (Math.abs(lambda - before) < 1e-12) {
      const uu = (cosA2 * (A * A - B * B)) / (B * B);
      const big = 1 + (uu / 16384) * (4096 + uu * (uu * (320 - 175 * uu) - 768));
      const small = (uu / 1024) * (256 + uu * (uu * (74 - 47 * uu) - 128));
      const change =
        small *
        sinS *
        (cosM +
          (small / 4) *
            (cosS * (2 * cosM * cosM - 1) -
              (small / 6) * cosM * (4 * sinS * sinS - 3) * (4 * cosM * cosM - 3)));
      return B * big * (sigma - change);
    }
  }
  return L.CRS.Earth.distance(one, other);
}

export function length(points) {
  return points.slice(1).reduce((sum, point, index) => sum + distance(points[index], point), 0);
}

function q(sin) {
  return (
    (1 - E2) * (sin / (1 - E2 * sin * sin) - Math.log((1 - E * sin) / (1 + E * sin)) / (2 * E))
  );
}

const Q_POLE = q(1);
const AUTHALIC_RADIUS = A * Math.sqrt(Q_POLE / 2);

// Area in m² of a ring, on the sphere whose areas equal the ellipsoid's (authalic latitudes).
export function area(ring) {
  const half = ring.map(({ lat }) => Math.tan(Math.asin(q(Math.sin(lat * RADIANS)) / Q_POLE) / 2));
  let excess = 0;
  ring.forEach((point, index) => {
    const next = (index + 1) % ring.length;
    const turn = Math.tan(((ring[next].lng - point.lng) * RADIANS) / 2);
    excess += 2 * Math.atan2(turn * (half[index] + half[next]), 1 + half[index] * half[next]);
  });
  return Math.abs(excess) * AUTHALIC_RADIUS ** 2;
}

// Whether a place lies in a Polygon or MultiPolygon (even-odd rule).
export function isInside({ lng, lat }, geometry) {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  const crosses = ([x1, y1], [x2, y2]) =>
    y1 > lat !== y2 > lat && lng < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1;
  return polygons.some((rings) => {
    let count = 0;
    for (const ring of rings) {
      for (let corner = 1; corner < ring.length; corner += 1) {
        count += crosses(ring[corner - 1], ring[corner]) ? 1 : 0;
      }
    }
    return count % 2 === 1;
  });
}

// Metres from a place to the nearest point of a line's or area's edge, through a local plane.
export function toEdge({ lng, lat }, geometry) {
  const east = Math.cos(lat * RADIANS) * RADIANS * A;
  const north = (RADIANS * A * (1 - E2)) / (1 - E2 * Math.sin(lat * RADIANS) ** 2);
  let nearest = Infinity;
  const walk = (part) => {
    if (typeof part[0][0] !== 'number') {
      part.forEach(walk);
      return;
    }
    for (let corner = 1; corner < part.length; corner += 1) {
      const [ax, ay] = [(part[corner - 1][0] - lng) * east, (part[corner - 1][1] - lat) * north];
      const [bx, by] = [(part[corner][0] - lng) * east, (part[corner][1] - lat) * north];
      const [dx, dy] = [bx - ax, by - ay];
      const long = dx * dx + dy * dy;
      const share = long ? Math.max(0, Math.min(1, -(ax * dx + ay * dy) / long)) : 0;
      nearest = Math.min(nearest, Math.hypot(ax + share * dx, ay + share * dy));
    }
  };
  walk(geometry.type === 'LineString' ? [geometry.coordinates] : geometry.coordinates);
  return nearest;
}
