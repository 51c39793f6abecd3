/** Colours of a picture. The lines' are told apart with any colour vision (Okabe and Ito); texts have a contrast of 4.5 at least. */
export interface Look {
  back: string;
  text: string;
  quiet: string;
  grid: string;
  bad: string;
  badArea: string;
  lines: readonly string[];
}

export const looks: Readonly<Record<'light' | 'dark', Look>> = {
  light: {
    back: '#ffffff',
    text: '#1d2433',
    quiet: '#566074',
    grid: '#e3e6ec',
    bad: '#c4211b',
    badArea: 'rgba(196, 33, 27, 0.08)',
    lines: ['#0072b2', '#b35900', '#00785a', '#a3437d', '#2f8fce', '#7a6a00', '#1d2433', '#6a5acd'],
  },
  dark: {
    back: '#171b24',
    text: '#e8ebf2',
    quiet: '#a4aec0',
    grid: '#2f3644',
    bad: '#ff8078',
    badArea: 'rgba(255, 128, 120, 0.13)',
    lines: ['#56b4e9', '#e69f00', '#2fc49b', '#e39ac4', '#8fb8ff', '#f0e442', '#e8ebf2', '#b6a8ff'],
  },
};
