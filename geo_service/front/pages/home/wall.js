// The whole screen for a wall in a meeting room: plain, dark, without menus; Escape leaves.
import { t } from '../frame.js';
import { button } from '../parts.js';

const root = document.documentElement;

function leave() {
  root.classList.remove('is-wall');
  if (document.fullscreenElement) {
    document.exitFullscreen().catch(() => {});
  }
}

async function enter() {
  root.classList.add('is-wall');
  window.scrollTo(0, 0);
  // Where a browser does not give the whole screen, the page is still plain and dark.
  await root.requestFullscreen?.().catch(() => {});
}

document.addEventListener('fullscreenchange', () => {
  if (!document.fullscreenElement) {
    leave();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && root.classList.contains('is-wall')) {
    leave();
  }
});

export function wallButtons() {
  return [
    button(t('home.wall'), enter, { sign: 'full', class: 'button plain to-wall' }),
    button(t('home.leave_wall'), leave, { class: 'button plain leave-wall' }),
  ];
}
