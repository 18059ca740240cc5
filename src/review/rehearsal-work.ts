import { SimulatedLab } from '../hypervisors/simulated/lab';
import { placesInCapture, placesInLabs } from '../rehearsal/places';
import { type RehearsalWork, workOf } from '../rehearsal/work';
import type { ReviewRehearsal } from './contract';

/** What a worker is given to rehearse one side of a review. @throws LabFileError */
export async function workOfReview({ plan, inventory, labs }: ReviewRehearsal): Promise<RehearsalWork> {
  if (isCapture(labs)) {
    const { places, assumed } = placesInCapture(labs.capture, labs.name, inventory, plan);
    return workOf(plan, inventory, places, assumed);
  }
  const { places } = await placesInLabs(inventory, async lab =>
    SimulatedLab.parse(Object.hasOwn(labs, lab) ? labs[lab]! : '', { file: lab }).fork(),
  );
  return workOf(plan, inventory, places, []);
}

function isCapture(labs: ReviewRehearsal['labs']): labs is { capture: string; name: string } {
  return Object.hasOwn(labs, 'capture') && Object.hasOwn(labs, 'name') && Object.keys(labs).length === 2;
}
