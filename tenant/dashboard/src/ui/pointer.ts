/** Whether there is a mouse, and so a keyboard that is not on the screen and files to drag. */
export const hasFinePointer = () => window.matchMedia("(pointer: fine)").matches;
