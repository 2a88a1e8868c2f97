"""How do images, clips, sounds and scores become arrays?"""
