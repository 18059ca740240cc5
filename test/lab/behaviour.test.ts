import { behaviour } from '../behaviour/suite';
import { libvirtWorld } from './libvirt-world';

behaviour('libvirt and QEMU, really', libvirtWorld);
